/* Copying between strided views: what contiguous, concatenate, slices and gathers are made of. */
#ifndef CPU_MOVE_H
#define CPU_MOVE_H

#include "backend/call.h"

/* Two views of the same shape; strides in bytes. Axes of size 1 are gone, and axes that one stride of each can walk are
 * one. */
typedef struct {
    int ndim;  /* at least 1 */
    bool past; /* transposed lines go past the caches */
    int64_t bytes;
    int64_t shape[TARN_MAX_NDIM], to[TARN_MAX_NDIM], from[TARN_MAX_NDIM];
} move_plan;

/* Strides in elements of `bytes` bytes. */
move_plan move_plan_of(int ndim, const int64_t *shape, const int64_t *to_strides, const int64_t *from_strides,
                       int64_t bytes);

/* On this thread alone. */
void move_run(const move_plan *p, char *to, const char *from);
/* On several threads if it is worth it. */
void move_run_parallel(const move_plan *p, char *to, const char *from);

#endif
