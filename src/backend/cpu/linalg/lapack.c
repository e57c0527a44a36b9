/* The one file that calls LAPACK, as OpenBLAS has it: by one thread at a time. Its functions are those of Fortran:
   everything by address, the lengths of strings behind. Room is asked of LAPACK itself (a size of -1). */
#include "cpu/linalg/lapack.h"

#include <limits.h>
#include <string.h>

#include "base/blas.h"

typedef float _Complex c32;

/* FUNCTIONS(prefix, type, real type): what real and complex dtypes share. */
#define FUNCTIONS(p, T, R)                                                                                             \
    extern void p##getrf_(const int *, const int *, T *, const int *, int *, int *);                                   \
    extern void p##geqrf_(const int *, const int *, T *, const int *, T *, T *, const int *, int *);                   \
    extern void p##potrf_(const char *, const int *, T *, const int *, int *, size_t);                                 \
    extern void p##gesv_(const int *, const int *, T *, const int *, int *, T *, const int *, int *);                  \
    extern void p##trtrs_(const char *, const char *, const char *, const int *, const int *, const T *, const int *,  \
                          T *, const int *, int *, size_t, size_t, size_t);
FUNCTIONS(s, float, float)
FUNCTIONS(d, double, double)
FUNCTIONS(c, c32, float)

#define REAL_FUNCTIONS(p, T)                                                                                           \
    extern void p##orgqr_(const int *, const int *, const int *, T *, const int *, const T *, T *, const int *,        \
                          int *);                                                                                      \
    extern void p##gesdd_(const char *, const int *, const int *, T *, const int *, T *, T *, const int *, T *,        \
                          const int *, T *, const int *, int *, int *, size_t);                                        \
    extern void p##syevd_(const char *, const char *, const int *, T *, const int *, T *, T *, const int *, int *,     \
                          const int *, int *, size_t, size_t);                                                         \
    extern void p##geev_(const char *, const char *, const int *, T *, const int *, T *, T *, T *, const int *, T *,   \
                         const int *, T *, const int *, int *, size_t, size_t);
REAL_FUNCTIONS(s, float)
REAL_FUNCTIONS(d, double)

extern void cungqr_(const int *, const int *, const int *, c32 *, const int *, const c32 *, c32 *, const int *, int *);
extern void cgesdd_(const char *, const int *, const int *, c32 *, const int *, float *, c32 *, const int *, c32 *,
                    const int *, c32 *, const int *, float *, int *, int *, size_t);
extern void cheevd_(const char *, const char *, const int *, c32 *, const int *, float *, c32 *, const int *, float *,
                    const int *, int *, const int *, int *, size_t, size_t);
extern void cgeev_(const char *, const char *, const int *, c32 *, const int *, c32 *, c32 *, const int *, c32 *,
                   const int *, c32 *, const int *, float *, int *, size_t, size_t);

/* Calls p##function for the dtype's prefix. */
#define BY_DTYPE(dtype, CALL)                                                                                          \
    do {                                                                                                               \
        blas_begin();                                                                                                  \
        if ((dtype) == TARN_FLOAT32)                                                                                   \
            CALL(s, float);                                                                                            \
        else if ((dtype) == TARN_FLOAT64)                                                                              \
            CALL(d, double);                                                                                           \
        else                                                                                                           \
            CALL(c, c32);                                                                                              \
        blas_end();                                                                                                    \
    } while (0)

static int smaller(int a, int b) {
    return a < b ? a : b;
}
static int at_least_1(int n) {
    return n > 1 ? n : 1;
}

/* A size that LAPACK told in a number of the dtype, whose last digits float32 may have lost; -1 beyond int. */
static int64_t told(tarn_dtype dtype, const void *room) {
    double size = dtype == TARN_FLOAT64 ? *(const double *)room : (double)*(const float *)room;
    size = dtype == TARN_FLOAT64 ? size : size * (1 + 0x1p-22) + 1;
    return size < INT_MAX ? (int64_t)size : -1;
}

/* Counts of numbers, each part aligned to 64 bytes, in bytes. */
static int64_t aligned(int64_t bytes) {
    return (bytes + 63) / 64 * 64;
}
static void *take(char **room, int64_t bytes) {
    void *part = *room;
    *room += aligned(bytes);
    return part;
}

/* ---- lu, cholesky, equations: no room */

int lapack_lu(tarn_dtype dtype, int m, int n, void *a, int *pivots) {
    int info = 0, rows = at_least_1(m);
#define CALL(p, T) p##getrf_(&m, &n, (T *)a, &rows, pivots, &info)
    BY_DTYPE(dtype, CALL);
#undef CALL
    return info;
}

int lapack_cholesky(tarn_dtype dtype, bool upper, int n, void *a) {
    int info = 0, rows = at_least_1(n);
#define CALL(p, T) p##potrf_(upper ? "U" : "L", &n, (T *)a, &rows, &info, 1)
    BY_DTYPE(dtype, CALL);
#undef CALL
    return info;
}

int lapack_solve(tarn_dtype dtype, int n, int k, void *a, void *b, int *pivots) {
    int info = 0, rows = at_least_1(n);
#define CALL(p, T) p##gesv_(&n, &k, (T *)a, &rows, pivots, (T *)b, &rows, &info)
    BY_DTYPE(dtype, CALL);
#undef CALL
    return info;
}

int lapack_solve_triangular(tarn_dtype dtype, bool upper, int n, int k, const void *a, void *b) {
    int info = 0, rows = at_least_1(n);
#define CALL(p, T) p##trtrs_(upper ? "U" : "L", "N", "N", &n, &k, (const T *)a, &rows, (T *)b, &rows, &info, 1, 1, 1)
    BY_DTYPE(dtype, CALL);
#undef CALL
    return info;
}

/* ---- qr */

static int64_t qr_numbers(tarn_dtype dtype, int m, int n) {
    int info = 0, rows = at_least_1(m), k = smaller(m, n), ask = -1;
    double first[2] = {0}, second[2] = {0};
#define CALL(p, T) p##geqrf_(&m, &n, NULL, &rows, NULL, (T *)(void *)first, &ask, &info)
    BY_DTYPE(dtype, CALL);
#undef CALL
    blas_begin();
    if (dtype == TARN_FLOAT32) sorgqr_(&m, &k, &k, NULL, &rows, NULL, (float *)(void *)second, &ask, &info);
    if (dtype == TARN_FLOAT64) dorgqr_(&m, &k, &k, NULL, &rows, NULL, second, &ask, &info);
    if (dtype == TARN_COMPLEX64) cungqr_(&m, &k, &k, NULL, &rows, NULL, (c32 *)(void *)second, &ask, &info);
    blas_end();
    int64_t a = told(dtype, first), b = told(dtype, second);
    return a < 0 || b < 0 ? -1 : a > b ? a : b;
}

int64_t lapack_qr_room(tarn_dtype dtype, int m, int n) {
    int64_t numbers = qr_numbers(dtype, m, n), size = dtype_bytes(dtype);
    return numbers < 0 ? -1 : aligned(smaller(m, n) * size) + aligned(numbers * size);
}

/* The upper triangle of a [m, n] as r [k, n]. */
static void copy_upper(char *r, const char *a, int m, int n, int64_t size) {
    int k = smaller(m, n);
    memset(r, 0, (size_t)((int64_t)k * n * size));
    for (int64_t j = 0; j < n; j++) memcpy(r + j * k * size, a + j * m * size, (size_t)((j < k ? j + 1 : k) * size));
}

int lapack_qr(tarn_dtype dtype, int m, int n, void *a, void *r, void *room) {
    int info = 0, rows = at_least_1(m), k = smaller(m, n), numbers = (int)qr_numbers(dtype, m, n);
    char *rest = room;
    void *scales = take(&rest, k * dtype_bytes(dtype)), *work = rest;
#define CALL(p, T) p##geqrf_(&m, &n, (T *)a, &rows, (T *)scales, (T *)work, &numbers, &info)
    BY_DTYPE(dtype, CALL);
#undef CALL
    if (info) return info;
    copy_upper(r, a, m, n, dtype_bytes(dtype));
    blas_begin();
    if (dtype == TARN_FLOAT32) sorgqr_(&m, &k, &k, a, &rows, scales, work, &numbers, &info);
    if (dtype == TARN_FLOAT64) dorgqr_(&m, &k, &k, a, &rows, scales, work, &numbers, &info);
    if (dtype == TARN_COMPLEX64) cungqr_(&m, &k, &k, a, &rows, scales, work, &numbers, &info);
    blas_end();
    return info;
}

/* ---- svd: divide and conquer */

typedef struct {
    int m, n, rows, vt_rows;
    char job[2];
} svd_shape;

static svd_shape svd_shape_of(int m, int n, bool thin, bool vectors) {
    int k = smaller(m, n);
    return (svd_shape){m, n, at_least_1(m), at_least_1(thin ? k : n), {vectors ? (thin ? 'S' : 'A') : 'N', 0}};
}

static int64_t svd_reals(int m, int n) { /* of complex matrices */
    int64_t k = smaller(m, n), most = m > n ? m : n;
    int64_t a = 5 * k * k + 5 * k, b = 2 * most * k + 2 * k * k + k;
    return a > b ? a : b;
}

static int svd_call(tarn_dtype dtype, svd_shape h, void *a, void *s, void *u, void *vt, void *work, int numbers,
                    float *reals, int *indices) {
    int info = 0;
    blas_begin();
#define CALL(p, T)                                                                                                     \
    p##gesdd_(h.job, &h.m, &h.n, (T *)a, &h.rows, (T *)s, (T *)u, &h.rows, (T *)vt, &h.vt_rows, (T *)work, &numbers,   \
              indices, &info, 1)
    if (dtype == TARN_FLOAT32) CALL(s, float);
    if (dtype == TARN_FLOAT64) CALL(d, double);
#undef CALL
    if (dtype == TARN_COMPLEX64)
        cgesdd_(h.job, &h.m, &h.n, a, &h.rows, s, u, &h.rows, vt, &h.vt_rows, work, &numbers, reals, indices, &info, 1);
    blas_end();
    return info;
}

static int64_t svd_numbers(tarn_dtype dtype, int m, int n, bool thin) {
    double size[2] = {0};
    svd_call(dtype, svd_shape_of(m, n, thin, true), NULL, NULL, NULL, NULL, size, -1, NULL, NULL);
    return told(dtype, size);
}

int64_t lapack_svd_room(tarn_dtype dtype, int m, int n, bool thin) {
    int64_t numbers = svd_numbers(dtype, m, n, thin);
    if (numbers < 0) return -1;
    int64_t reals = dtype == TARN_COMPLEX64 ? svd_reals(m, n) * 4 : 0;
    return aligned(8 * (int64_t)smaller(m, n) * 4) + aligned(reals) + aligned(numbers * dtype_bytes(dtype));
}

int lapack_svd(tarn_dtype dtype, int m, int n, bool thin, void *a, void *s, void *u, void *vt, void *room) {
    char *rest = room;
    int *indices = take(&rest, 8 * (int64_t)smaller(m, n) * 4);
    float *reals = take(&rest, dtype == TARN_COMPLEX64 ? svd_reals(m, n) * 4 : 0);
    return svd_call(dtype, svd_shape_of(m, n, thin, u != NULL), a, s, u, vt, rest, (int)svd_numbers(dtype, m, n, thin),
                    reals, indices);
}

/* ---- eigh: divide and conquer */

typedef struct {
    int64_t numbers, reals, indices;
} eigh_sizes;

extern void ssymv_(const char *, const int *, const float *, const float *, const int *, const float *, const int *,
                   const float *, float *, const int *, size_t);

/* ssymv of OpenBLAS 0.3.21, for AVX-512, copies blocks to scratch memory and reads a few numbers beyond, which it
   multiplies by zero: those may be NaN that an earlier product left. So a larger matrix of zeros goes first. work has
   room for 2 n^2 + 6 n numbers. */
static void clear_scratch(const char *part, int n, float *work) {
    enum { SMALL = 64, MORE = 16 };
    static const float small[SMALL * SMALL], factor = 1;
    static const int step = 1;
    float *zeros = n > SMALL - MORE ? work : NULL, out_of_small[SMALL] = {0};
    int size = zeros ? n + MORE : SMALL;
    if (zeros) memset(zeros, 0, (size_t)size * (size_t)(size + 1) * sizeof *zeros);
    float *out = zeros ? zeros + (int64_t)size * size : out_of_small;
    ssymv_(part, &size, &factor, zeros ? zeros : small, &size, zeros ? zeros : small, &step, &factor, out, &step, 1);
}

static int eigh_call(tarn_dtype dtype, bool upper, bool vectors, int n, void *a, void *w, void *work, float *reals,
                     int *indices, eigh_sizes z) {
    int info = 0, rows = at_least_1(n), numbers = (int)z.numbers, real_count = (int)z.reals, count = (int)z.indices;
    const char *job = vectors ? "V" : "N", *part = upper ? "U" : "L";
    blas_begin();
    if (dtype == TARN_FLOAT32 && a) clear_scratch(part, n, work);
    if (dtype == TARN_FLOAT32) ssyevd_(job, part, &n, a, &rows, w, work, &numbers, indices, &count, &info, 1, 1);
    if (dtype == TARN_FLOAT64) dsyevd_(job, part, &n, a, &rows, w, work, &numbers, indices, &count, &info, 1, 1);
    if (dtype == TARN_COMPLEX64)
        cheevd_(job, part, &n, a, &rows, w, work, &numbers, reals, &real_count, indices, &count, &info, 1, 1);
    blas_end();
    return info;
}

static bool eigh_sizes_of(tarn_dtype dtype, int n, eigh_sizes *out) {
    double size[2] = {0};
    float reals = 0;
    int indices = 0;
    eigh_call(dtype, false, true, n, NULL, NULL, size, &reals, &indices, (eigh_sizes){-1, -1, -1});
    *out = (eigh_sizes){told(dtype, size), dtype == TARN_COMPLEX64 ? told(TARN_FLOAT32, &reals) : 0, indices};
    return out->numbers >= 0 && out->reals >= 0 && indices >= 0;
}

int64_t lapack_eigh_room(tarn_dtype dtype, int n) {
    eigh_sizes z;
    if (!eigh_sizes_of(dtype, n, &z)) return -1;
    return aligned(z.numbers * dtype_bytes(dtype)) + aligned(z.reals * 4) + aligned(z.indices * 4);
}

int lapack_eigh(tarn_dtype dtype, bool upper, bool vectors, int n, void *a, void *w, void *room) {
    eigh_sizes z;
    char *rest = room;
    if (!eigh_sizes_of(dtype, n, &z)) return -1;
    void *work = take(&rest, z.numbers * dtype_bytes(dtype));
    float *reals = take(&rest, z.reals * 4);
    return eigh_call(dtype, upper, vectors, n, a, w, work, reals, (int *)(void *)rest, z);
}

/* ---- eig */

static int64_t eig_numbers(tarn_dtype dtype, int n) {
    int info = 0, rows = at_least_1(n), ask = -1;
    double size[2] = {0};
    float real; /* written by the complex one, too */
    blas_begin();
    if (dtype == TARN_FLOAT32)
        sgeev_("N", "V", &n, NULL, &rows, NULL, NULL, NULL, &rows, NULL, &rows, (float *)(void *)size, &ask, &info, 1,
               1);
    if (dtype == TARN_FLOAT64)
        dgeev_("N", "V", &n, NULL, &rows, NULL, NULL, NULL, &rows, NULL, &rows, size, &ask, &info, 1, 1);
    if (dtype == TARN_COMPLEX64)
        cgeev_("N", "V", &n, NULL, &rows, NULL, NULL, &rows, NULL, &rows, (c32 *)(void *)size, &ask, &real, &info, 1,
               1);
    blas_end();
    return told(dtype, size);
}

/* Two lists of real and imaginary parts, the vectors as LAPACK packs them (complex: the reals it works with). */
int64_t lapack_eig_room(tarn_dtype dtype, int n) {
    int64_t numbers = eig_numbers(dtype, n), size = dtype_bytes(dtype);
    if (numbers < 0) return -1;
    return 2 * aligned(n * size) + aligned((int64_t)n * n * size) + aligned(numbers * size);
}

/* A pair of conjugates stands in two columns: real parts, imaginary parts. */
#define EIG_REAL(p, T, C)                                                                                              \
    static void unpack_##p(int n, const T *real, const T *imag, const T *packed, C *w, C *v) {                         \
        for (int j = 0; j < n; j++) {                                                                                  \
            w[j] = __builtin_complex(real[j], imag[j]);                                                                \
            bool first = imag[j] > 0, second = imag[j] < 0;                                                            \
            const T *re = packed + (int64_t)(second ? j - 1 : j) * n, *im = re + n;                                    \
            for (int i = 0; v && i < n; i++)                                                                           \
                v[(int64_t)j * n + i] = __builtin_complex(re[i], first ? im[i] : second ? -im[i] : (T)0);              \
        }                                                                                                              \
    }                                                                                                                  \
    static int eig_##p(int n, T *a, C *w, C *v, char *room, int numbers) {                                             \
        int info = 0, rows = at_least_1(n);                                                                            \
        T *real = take(&room, n * (int64_t)sizeof(T)), *imag = take(&room, n * (int64_t)sizeof(T));                    \
        T *packed = take(&room, (int64_t)n * n * (int64_t)sizeof(T)), *work = (T *)(void *)room;                       \
        blas_begin();                                                                                                  \
        p##geev_("N", v ? "V" : "N", &n, a, &rows, real, imag, NULL, &rows, packed, &rows, work, &numbers, &info, 1,   \
                 1);                                                                                                   \
        blas_end();                                                                                                    \
        if (!info) unpack_##p(n, real, imag, packed, w, v);                                                            \
        return info;                                                                                                   \
    }
EIG_REAL(s, float, c32)
EIG_REAL(d, double, double _Complex)

int lapack_eig(tarn_dtype dtype, int n, void *a, void *w, void *v, void *room) {
    int info = 0, rows = at_least_1(n), numbers = (int)eig_numbers(dtype, n);
    if (dtype == TARN_FLOAT32) return eig_s(n, a, w, v, room, numbers);
    if (dtype == TARN_FLOAT64) return eig_d(n, a, w, v, room, numbers);
    char *rest = room;
    float *reals = take(&rest, 2 * (int64_t)n * 4);
    blas_begin();
    cgeev_("N", v ? "V" : "N", &n, a, &rows, w, NULL, &rows, v, &rows, (c32 *)(void *)rest, &numbers, reals, &info, 1,
           1);
    blas_end();
    return info;
}
