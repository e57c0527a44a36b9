/* cuSOLVER, opened when a matrix is first factored. Matrices lie by columns, without gaps. */
#ifndef CUDA_LINALG_SOLVER_H
#define CUDA_LINALG_SOLVER_H

#include "backend/call.h"

typedef enum { SOLVER_LU, SOLVER_SOLVE, SOLVER_QR, SOLVER_CHOLESKY, SOLVER_EIGH, SOLVER_EIG, SOLVER_SVD } solver_kind;

/* a [m, n] of dtype (a number of tarn_dtype, or MATRIX_COMPLEX128) is overwritten; what else there is depends on the
   kind. room, host_room: solver_room's. */
typedef struct {
    solver_kind kind;
    int dtype;
    int64_t m, n, sides;
    bool upper, values, thin;
    void *a, *b;     /* b [m, sides]: what is solved for */
    void *s;         /* singular values and eigenvalues; qr: the reflections' scales */
    void *u, *vt;    /* svd: bases; eig: vectors in u */
    int64_t *pivots; /* counted from 1 */
    int *info;       /* not 0: it went wrong */
    void *room, *host_room;
    size_t room_bytes, host_bytes;
} solver_job;

/* Finds room_bytes and host_bytes; false with the error set, as where the library is not installed. */
bool solver_room(solver_job *job);
/* On the calling thread's stream. */
bool solver_run(const solver_job *job);

#endif
