#include "cuda/linalg/solver.h"

#include <cusolverDn.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "cuda/cuda.h"
#include "cuda/linalg/linalg.h"

#define FUNCTIONS(F)                                                                                                   \
    F(cusolverDnCreate)                                                                                                \
    F(cusolverDnCreateParams)                                                                                          \
    F(cusolverDnSetStream)                                                                                             \
    F(cusolverDnXgetrf_bufferSize)                                                                                     \
    F(cusolverDnXgetrf)                                                                                                \
    F(cusolverDnXgetrs)                                                                                                \
    F(cusolverDnXgeqrf_bufferSize)                                                                                     \
    F(cusolverDnXgeqrf)                                                                                                \
    F(cusolverDnXpotrf_bufferSize)                                                                                     \
    F(cusolverDnXpotrf)                                                                                                \
    F(cusolverDnXsyevd_bufferSize)                                                                                     \
    F(cusolverDnXsyevd)                                                                                                \
    F(cusolverDnXgeev_bufferSize) F(cusolverDnXgeev) F(cusolverDnXgesvd_bufferSize) F(cusolverDnXgesvd)

static struct {
#define MEMBER(name) __typeof__(name) *name;
    FUNCTIONS(MEMBER)
    bool good;
} solver;

/* The factor q of reflections, whose function has another name for each dtype. */
typedef cusolverStatus_t (*q_size_function)(cusolverDnHandle_t, int, int, int, const void *, int, const void *, int *);
typedef cusolverStatus_t (*q_function)(cusolverDnHandle_t, int, int, int, void *, int, const void *, void *, int,
                                       int *);
typedef struct {
    cudaDataType whole, real; /* real: of what is real where the matrix is complex */
    int bytes;
    const char *q_name, *q_size_name;
    q_function q;
    q_size_function q_size;
} number_facts;
static number_facts facts[MATRIX_COMPLEX128 + 1] = {
    [TARN_FLOAT32] = {CUDA_R_32F, CUDA_R_32F, 4, "cusolverDnSorgqr", "cusolverDnSorgqr_bufferSize", NULL, NULL},
    [TARN_FLOAT64] = {CUDA_R_64F, CUDA_R_64F, 8, "cusolverDnDorgqr", "cusolverDnDorgqr_bufferSize", NULL, NULL},
    [TARN_COMPLEX64] = {CUDA_C_32F, CUDA_R_32F, 8, "cusolverDnCungqr", "cusolverDnCungqr_bufferSize", NULL, NULL},
    [MATRIX_COMPLEX128] = {CUDA_C_64F, CUDA_R_64F, 16, "cusolverDnZungqr", "cusolverDnZungqr_bufferSize", NULL, NULL}};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows, and of a call's stream */
static cusolverDnHandle_t handles[MOST_DEVICES];
static cusolverDnParams_t params;

/* ---- the library */
static void *open_library(void) {
    static const char *const names[] = {"libcusolver.so.12", "libcusolver.so.11", "libcusolver.so",
                                        "/usr/local/cuda/lib64/libcusolver.so"};
    void *library = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return library;
}

static bool load(void) {
    if (solver.good) return true;
    void *library = open_library(), *symbol;
    if (!library)
        return tarn_fail("cuda: cuSOLVER (libcusolver.so), which factors matrices, is not installed: %s", dlerror());
    bool good = true;
#define FIND(name) good = (symbol = dlsym(library, #name)) && good, memcpy(&solver.name, &symbol, sizeof symbol);
    FUNCTIONS(FIND)
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        if (!facts[i].q_name) continue;
        good = (symbol = dlsym(library, facts[i].q_name)) && good, memcpy(&facts[i].q, &symbol, sizeof symbol);
        good = (symbol = dlsym(library, facts[i].q_size_name)) && good,
        memcpy(&facts[i].q_size, &symbol, sizeof symbol);
    }
    solver.good = good;
    return good || tarn_fail("cuda: libcusolver.so lacks functions: it is too old");
}

static bool solver_ok(cusolverStatus_t status, const char *what) {
    return status == CUSOLVER_STATUS_SUCCESS || tarn_fail("linalg: cuSOLVER: %s failed (%d)", what, (int)status);
}

/* Under the lock: of the device at hand. */
static cusolverDnHandle_t handle_now(void) {
    if (!cuda_use(cuda_device_now) || !load()) return NULL;
    cusolverDnHandle_t *h = &handles[cuda_device_now];
    if (!params && !solver_ok(solver.cusolverDnCreateParams(&params), "making parameters")) return NULL;
    if (!*h && !solver_ok(solver.cusolverDnCreate(h), "making a handle")) *h = NULL;
    return *h;
}

/* ---- kinds, asked for their room (sizes only) or run */
static cublasFillMode_t triangle(const solver_job *j) {
    return j->upper ? CUBLAS_FILL_MODE_UPPER : CUBLAS_FILL_MODE_LOWER;
}
static cusolverEigMode_t vectors(const solver_job *j) {
    return j->values ? CUSOLVER_EIG_MODE_NOVECTOR : CUSOLVER_EIG_MODE_VECTOR;
}
static signed char bases(const solver_job *j) {
    return j->values ? 'N' : j->thin ? 'S' : 'A';
}
static int64_t smaller(const solver_job *j) {
    return j->m < j->n ? j->m : j->n;
}

#define SIZES &j->room_bytes, &j->host_bytes
#define ROOM  j->room, j->room_bytes, j->host_room, j->host_bytes, j->info

static bool lu_room(cusolverDnHandle_t h, solver_job *j, const number_facts *f) {
    return solver_ok(solver.cusolverDnXgetrf_bufferSize(h, params, j->m, j->n, f->whole, j->a, j->m, f->whole, SIZES),
                     "lu");
}
static bool lu_run(cusolverDnHandle_t h, const solver_job *j, const number_facts *f) {
    return solver_ok(solver.cusolverDnXgetrf(h, params, j->m, j->n, f->whole, j->a, j->m, j->pivots, f->whole, ROOM),
                     "lu");
}
static bool solve_run(cusolverDnHandle_t h, const solver_job *j, const number_facts *f) {
    int *other = j->info + 1; /* of arguments, which are right */
    return lu_run(h, j, f) && solver_ok(solver.cusolverDnXgetrs(h, params, CUBLAS_OP_N, j->n, j->sides, f->whole, j->a,
                                                                j->n, j->pivots, f->whole, j->b, j->n, other),
                                        "solving");
}
static bool qr_room(cusolverDnHandle_t h, solver_job *j, const number_facts *f) {
    int of_q = 0, k = (int)smaller(j);
    bool ok = solver_ok(solver.cusolverDnXgeqrf_bufferSize(h, params, j->m, j->n, f->whole, j->a, j->m, f->whole, j->s,
                                                           f->whole, SIZES),
                        "qr") &&
              solver_ok(f->q_size(h, (int)j->m, k, k, j->a, (int)j->m, j->s, &of_q), "q");
    size_t bytes = (size_t)of_q * (size_t)f->bytes;
    if (bytes > j->room_bytes) j->room_bytes = bytes;
    return ok;
}
/* r is left in a, q goes to u. */
static bool qr_run(cusolverDnHandle_t h, const solver_job *j, const number_facts *f) {
    int k = (int)smaller(j);
    size_t bytes = (size_t)(j->m * k * f->bytes);
    return solver_ok(
               solver.cusolverDnXgeqrf(h, params, j->m, j->n, f->whole, j->a, j->m, f->whole, j->s, f->whole, ROOM),
               "qr") &&
           cuda_ok(cudaMemcpyAsync(j->u, j->a, bytes, cudaMemcpyDeviceToDevice, cuda_stream_now), "qr") &&
           solver_ok(f->q(h, (int)j->m, k, k, j->u, (int)j->m, j->s, j->room, (int)(j->room_bytes / (size_t)f->bytes),
                          j->info),
                     "q");
}
static bool cholesky_room(cusolverDnHandle_t h, solver_job *j, const number_facts *f) {
    return solver_ok(
        solver.cusolverDnXpotrf_bufferSize(h, params, triangle(j), j->n, f->whole, j->a, j->n, f->whole, SIZES),
        "cholesky");
}
static bool cholesky_run(cusolverDnHandle_t h, const solver_job *j, const number_facts *f) {
    return solver_ok(solver.cusolverDnXpotrf(h, params, triangle(j), j->n, f->whole, j->a, j->n, f->whole, ROOM),
                     "cholesky");
}
static bool eigh_room(cusolverDnHandle_t h, solver_job *j, const number_facts *f) {
    return solver_ok(solver.cusolverDnXsyevd_bufferSize(h, params, vectors(j), triangle(j), j->n, f->whole, j->a, j->n,
                                                        f->real, j->s, f->whole, SIZES),
                     "eigh");
}
static bool eigh_run(cusolverDnHandle_t h, const solver_job *j, const number_facts *f) {
    return solver_ok(solver.cusolverDnXsyevd(h, params, vectors(j), triangle(j), j->n, f->whole, j->a, j->n, f->real,
                                             j->s, f->whole, ROOM),
                     "eigh");
}
static bool eig_room(cusolverDnHandle_t h, solver_job *j, const number_facts *f) {
    return solver_ok(solver.cusolverDnXgeev_bufferSize(h, params, CUSOLVER_EIG_MODE_NOVECTOR, vectors(j), j->n,
                                                       f->whole, j->a, j->n, f->whole, j->s, f->whole, NULL, j->n,
                                                       f->whole, j->u, j->n, f->whole, SIZES),
                     "eig");
}
static bool eig_run(cusolverDnHandle_t h, const solver_job *j, const number_facts *f) {
    return solver_ok(solver.cusolverDnXgeev(h, params, CUSOLVER_EIG_MODE_NOVECTOR, vectors(j), j->n, f->whole, j->a,
                                            j->n, f->whole, j->s, f->whole, NULL, j->n, f->whole, j->u, j->n, f->whole,
                                            ROOM),
                     "eig");
}
/* m at least n. */
static bool svd_room(cusolverDnHandle_t h, solver_job *j, const number_facts *f) {
    return solver_ok(solver.cusolverDnXgesvd_bufferSize(h, params, bases(j), bases(j), j->m, j->n, f->whole, j->a, j->m,
                                                        f->real, j->s, f->whole, j->u, j->m, f->whole, j->vt, j->n,
                                                        f->whole, SIZES),
                     "svd");
}
static bool svd_run(cusolverDnHandle_t h, const solver_job *j, const number_facts *f) {
    return solver_ok(solver.cusolverDnXgesvd(h, params, bases(j), bases(j), j->m, j->n, f->whole, j->a, j->m, f->real,
                                             j->s, f->whole, j->u, j->m, f->whole, j->vt, j->n, f->whole, ROOM),
                     "svd");
}

typedef struct {
    bool (*room)(cusolverDnHandle_t h, solver_job *j, const number_facts *f);
    bool (*run)(cusolverDnHandle_t h, const solver_job *j, const number_facts *f);
} kind_functions;
static const kind_functions kinds[] = {
    [SOLVER_LU] = {lu_room, lu_run},       [SOLVER_SOLVE] = {lu_room, solve_run},
    [SOLVER_QR] = {qr_room, qr_run},       [SOLVER_CHOLESKY] = {cholesky_room, cholesky_run},
    [SOLVER_EIGH] = {eigh_room, eigh_run}, [SOLVER_EIG] = {eig_room, eig_run},
    [SOLVER_SVD] = {svd_room, svd_run}};

bool solver_room(solver_job *job) {
    void *context = cuda_context();
    pthread_mutex_lock(&lock);
    cusolverDnHandle_t h = handle_now();
    bool ok = h && kinds[job->kind].room(h, job, &facts[job->dtype]);
    pthread_mutex_unlock(&lock);
    cuda_give_back(context);
    return ok;
}

bool solver_run(const solver_job *job) {
    pthread_mutex_lock(&lock);
    cusolverDnHandle_t h = handle_now();
    bool ok = h && solver_ok(solver.cusolverDnSetStream(h, cuda_stream_now), "choosing a stream") &&
              kinds[job->kind].run(h, job, &facts[job->dtype]);
    pthread_mutex_unlock(&lock);
    return ok;
}
