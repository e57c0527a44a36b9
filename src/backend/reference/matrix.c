#include "reference/matrix.h"

#include <complex.h>
#include <float.h>
#include <math.h>
#include <string.h>

static void swap_rows(wide *a, int64_t n, int64_t i, int64_t j) {
    for (int64_t c = 0; c < n && i != j; c++) {
        wide x = a[i * n + c];
        a[i * n + c] = a[j * n + c];
        a[j * n + c] = x;
    }
}

static void set_unit(wide *a, int64_t n) {
    for (int64_t i = 0; i < n * n; i++) a[i] = i / n == i % n;
}

static long double square(wide x) {
    return creall(x) * creall(x) + cimagl(x) * cimagl(x);
}

/* ---- lu with the largest pivot of the column (complex: by |re| + |im|, as LAPACK) */

static long double pivot_size(wide x) {
    return fabsl(creall(x)) + fabsl(cimagl(x));
}

void matrix_lu(wide *a, int64_t m, int64_t n, int64_t *order, int64_t *pivots) {
    for (int64_t i = 0; i < m; i++) order[i] = i;
    for (int64_t k = 0; k < m && k < n; k++) {
        int64_t best = k;
        for (int64_t i = k + 1; i < m; i++)
            if (pivot_size(a[i * n + k]) > pivot_size(a[best * n + k])) best = i;
        pivots[k] = best;
        swap_rows(a, n, k, best);
        int64_t row = order[k];
        order[k] = order[best];
        order[best] = row;
        if (a[k * n + k] == 0) continue;
        for (int64_t i = k + 1; i < m; i++) {
            wide f = a[i * n + k] /= a[k * n + k];
            for (int64_t c = k + 1; c < n; c++) a[i * n + c] -= f * a[k * n + c];
        }
    }
}

bool matrix_substitute(const wide *lu, int64_t n, wide *b, int64_t k, bool lower, bool upper) {
    for (int64_t i = 0; lower && i < n; i++) {
        for (int64_t c = 0; c < i; c++)
            for (int64_t j = 0; j < k; j++) b[i * k + j] -= lu[i * n + c] * b[c * k + j];
        if (upper) continue; /* l of a factor has a diagonal of ones */
        if (lu[i * n + i] == 0) return false;
        for (int64_t j = 0; j < k; j++) b[i * k + j] /= lu[i * n + i];
    }
    for (int64_t i = n - 1; upper && i >= 0; i--) {
        if (lu[i * n + i] == 0) return false;
        for (int64_t c = i + 1; c < n; c++)
            for (int64_t j = 0; j < k; j++) b[i * k + j] -= lu[i * n + c] * b[c * k + j];
        for (int64_t j = 0; j < k; j++) b[i * k + j] /= lu[i * n + i];
    }
    return true;
}

/* ---- qr by reflections x - t v vH x, with v[k] = 1 */

/* Rows from k on of the columns from first on. */
static void reflect(wide *a, int64_t m, int64_t n, int64_t first, int64_t k, const wide *v, int64_t step, wide t) {
    for (int64_t c = first; c < n; c++) {
        wide sum = a[k * n + c];
        for (int64_t i = k + 1; i < m; i++) sum += conjl(v[i * step]) * a[i * n + c];
        a[k * n + c] -= t * sum;
        for (int64_t i = k + 1; i < m; i++) a[i * n + c] -= t * v[i * step] * sum;
    }
}

/* The reflection that makes column k zero below its diagonal; v stands there. Returns t, and the diagonal. */
static wide reflection(wide *a, int64_t m, int64_t n, int64_t k, long double *beta) {
    long double below = 0;
    wide alpha = a[k * n + k];
    for (int64_t i = k + 1; i < m; i++) below += square(a[i * n + k]);
    *beta = creall(alpha);
    if (below == 0 && cimagl(alpha) == 0) return 0;
    *beta = -copysignl(sqrtl(square(alpha) + below), creall(alpha));
    for (int64_t i = k + 1; i < m; i++) a[i * n + k] /= alpha - *beta;
    return (*beta - alpha) / *beta;
}

void matrix_qr(wide *a, int64_t m, int64_t n, wide *q, wide *scales) {
    int64_t k = m < n ? m : n;
    for (int64_t i = 0; i < k; i++) {
        long double beta;
        scales[i] = reflection(a, m, n, i, &beta);
        reflect(a, m, n, i + 1, i, a + i, n, conjl(scales[i]));
        a[i * n + i] = beta;
    }
    set_unit(q, m);
    for (int64_t i = k - 1; i >= 0; i--) reflect(q, m, m, 0, i, a + i, n, scales[i]);
    for (int64_t i = 1; i < m; i++) memset(a + i * n, 0, (size_t)(i < n ? i : n) * sizeof *a);
}

/* ---- cholesky */

bool matrix_cholesky(wide *a, int64_t n) {
    for (int64_t j = 0; j < n; j++) {
        long double d = creall(a[j * n + j]);
        for (int64_t c = 0; c < j; c++) d -= square(a[j * n + c]);
        if (!(d > 0)) return false;
        a[j * n + j] = sqrtl(d);
        for (int64_t i = j + 1; i < n; i++) {
            for (int64_t c = 0; c < j; c++) a[i * n + j] -= a[i * n + c] * conjl(a[j * n + c]);
            a[i * n + j] /= a[j * n + j];
        }
    }
    return true;
}

/* ---- rotations of two columns (C. Jacobi): of x and y so that what couples them vanishes */

typedef struct {
    long double c;
    wide s; /* x' = c x - conj(s) y, y' = s x + c y */
} rotation;

/* For the Hermitian matrix [xx, xy; conj(xy), yy]. */
static rotation rotation_of(long double xx, long double yy, wide xy) {
    long double size = cabsl(xy);
    if (size == 0) return (rotation){1, 0};
    long double theta = (yy - xx) / (2 * size);
    long double t = (theta >= 0 ? 1 : -1) / (fabsl(theta) + sqrtl(theta * theta + 1)), c = 1 / sqrtl(t * t + 1);
    return (rotation){c, t * c * xy / size};
}

static void rotate_columns(wide *a, int64_t rows, int64_t n, int64_t p, int64_t q, rotation r) {
    for (int64_t i = 0; i < rows; i++) {
        wide x = a[i * n + p], y = a[i * n + q];
        a[i * n + p] = r.c * x - conjl(r.s) * y;
        a[i * n + q] = r.s * x + r.c * y;
    }
}

static void rotate_rows(wide *a, int64_t n, int64_t p, int64_t q, rotation r) {
    for (int64_t i = 0; i < n; i++) {
        wide x = a[p * n + i], y = a[q * n + i];
        a[p * n + i] = r.c * x - r.s * y;
        a[q * n + i] = conjl(r.s) * x + r.c * y;
    }
}

static void swap_columns(wide *a, int64_t rows, int64_t n, int64_t p, int64_t q) {
    for (int64_t i = 0; i < rows; i++) {
        wide x = a[i * n + p];
        a[i * n + p] = a[i * n + q];
        a[i * n + q] = x;
    }
}

enum { MOST_SWEEPS = 60 };

/* Every pair once; false if none was coupled any more. */
static bool eigh_sweep(wide *a, int64_t n, wide *v) {
    bool changed = false;
    for (int64_t p = 0; p < n; p++)
        for (int64_t q = p + 1; q < n; q++) {
            long double xx = creall(a[p * n + p]), yy = creall(a[q * n + q]), least = sqrtl(fabsl(xx * yy));
            if (cabsl(a[p * n + q]) <= LDBL_EPSILON * least || cabsl(a[p * n + q]) < LDBL_MIN) continue;
            rotation r = rotation_of(xx, yy, a[p * n + q]);
            rotate_columns(a, n, n, p, q, r);
            rotate_rows(a, n, p, q, r);
            rotate_columns(v, n, n, p, q, r);
            changed = true;
        }
    return changed;
}

void matrix_eigh(wide *a, int64_t n, wide *v) {
    set_unit(v, n);
    for (int i = 0; i < MOST_SWEEPS && eigh_sweep(a, n, v); i++) {
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t least = i;
        for (int64_t j = i + 1; j < n; j++)
            if (creall(a[j * n + j]) < creall(a[least * n + least])) least = j;
        wide x = a[i * n + i];
        a[i * n + i] = a[least * n + least];
        a[least * n + least] = x;
        swap_columns(v, n, n, i, least);
    }
}

/* ---- svd: columns are rotated until they are orthogonal (M. Hestenes, 1958) */

static bool svd_sweep(wide *a, int64_t m, int64_t n, wide *v) {
    bool changed = false;
    for (int64_t p = 0; p < n; p++)
        for (int64_t q = p + 1; q < n; q++) {
            long double xx = 0, yy = 0;
            wide xy = 0;
            for (int64_t i = 0; i < m; i++) {
                xx += square(a[i * n + p]);
                yy += square(a[i * n + q]);
                xy += conjl(a[i * n + p]) * a[i * n + q];
            }
            if (cabsl(xy) <= 4 * LDBL_EPSILON * sqrtl(xx * yy) || cabsl(xy) < LDBL_MIN) continue;
            rotation r = rotation_of(xx, yy, xy);
            rotate_columns(a, m, n, p, q, r);
            rotate_columns(v, n, n, p, q, r);
            changed = true;
        }
    return changed;
}

void matrix_svd(wide *a, int64_t m, int64_t n, long double *s, wide *v) {
    set_unit(v, n);
    for (int i = 0; i < MOST_SWEEPS && svd_sweep(a, m, n, v); i++) {
    }
    for (int64_t j = 0; j < n; j++) {
        long double sum = 0;
        for (int64_t i = 0; i < m; i++) sum += square(a[i * n + j]);
        s[j] = sqrtl(sum);
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t most = i;
        for (int64_t j = i + 1; j < n; j++)
            if (s[j] > s[most]) most = j;
        long double x = s[i];
        s[i] = s[most];
        s[most] = x;
        swap_columns(a, m, n, i, most);
        swap_columns(v, n, n, i, most);
    }
}

void matrix_svd_bases(wide *a, int64_t m, int64_t n, wide *u, wide *room) {
    matrix_qr(a, m, n, u, room);
    for (int64_t j = 0; j < n; j++) {
        wide d = a[j * n + j];
        long double size = cabsl(d);
        for (int64_t i = 0; size > 0 && i < m; i++) u[i * m + j] *= d / size;
    }
}

/* ---- eig: a is balanced, brought to Hessenberg form and by shifted QR steps to a triangle, as EISPACK does it (J.
   Wilkinson and C. Reinsch, 1971); then the vectors of the triangle, turned back. What v turns is of the a given:
   a given = v a v^-1. */

/* Powers of two make each row as large as its column, so that what is small beside the matrix is not lost in it. */
static bool balance_one(wide *a, int64_t n, int64_t i, wide *v) {
    long double row = 0, column = 0;
    for (int64_t j = 0; j < n; j++) {
        row += j == i ? 0 : cabsl(a[i * n + j]);
        column += j == i ? 0 : cabsl(a[j * n + i]);
    }
    if (row == 0 || column == 0) return false;
    long double f = ldexpl(1, (ilogbl(row) - ilogbl(column)) / 2);
    if (column * f + row / f >= 0.95L * (row + column)) return false;
    for (int64_t j = 0; j < n; j++) {
        a[i * n + j] /= f;
        a[j * n + i] *= f;
    }
    v[i * n + i] *= f;
    return true;
}

static void balance(wide *a, int64_t n, wide *v) {
    bool changed = true;
    for (int sweep = 0; changed && sweep < MOST_SWEEPS; sweep++) {
        changed = false;
        for (int64_t i = 0; i < n; i++) changed |= balance_one(a, n, i, v);
    }
}

/* a = a (1 - t v vH), v over the columns from k + 1 on. */
static void reflect_columns(wide *a, int64_t n, int64_t k, const wide *v, wide t) {
    for (int64_t r = 0; r < n; r++) {
        wide *row = a + r * n, sum = row[k + 1];
        for (int64_t i = k + 2; i < n; i++) sum += row[i] * v[i * n];
        row[k + 1] -= t * sum;
        for (int64_t i = k + 2; i < n; i++) row[i] -= t * sum * conjl(v[i * n]);
    }
}

/* Zeros below the diagonal beside the diagonal. */
static void make_hessenberg(wide *a, int64_t n, wide *v) {
    for (int64_t k = 0; k + 2 < n; k++) {
        long double beta;
        wide t = reflection(a + n, n - 1, n, k, &beta);
        reflect(a + n, n - 1, n, k + 1, k, a + n + k, n, conjl(t));
        reflect_columns(a, n, k, a + k, t);
        reflect_columns(v, n, k, a + k, t);
        a[(k + 1) * n + k] = beta;
        for (int64_t i = k + 2; i < n; i++) a[i * n + k] = 0;
    }
}

/* Of two rows, so that y below x becomes zero. */
static rotation rotation_to_zero(wide x, wide y) {
    long double size = cabsl(x), length = hypotl(size, cabsl(y));
    if (length == 0) return (rotation){1, 0};
    if (size == 0) return (rotation){0, 1};
    return (rotation){size / length, -conjl(size / x * y / length)};
}

/* The eigenvalue of the last two rows' block that is nearer to its last element. */
static wide shift_of(const wide *a, int64_t n, int64_t end, int step) {
    wide p = a[(end - 2) * n + end - 2], q = a[(end - 2) * n + end - 1], r = a[(end - 1) * n + end - 2],
         d = a[(end - 1) * n + end - 1];
    if (step % 10 == 9) return d + 0.75L * cabsl(r); /* out of a cycle */
    wide middle = (p + d) / 2, root = csqrtl((p - d) * (p - d) / 4 + q * r);
    return cabsl(middle + root - d) < cabsl(middle - root - d) ? middle + root : middle - root;
}

/* The block [first, end) less x is q r; a = qH a q, v = v q. */
static void qr_step(wide *a, int64_t n, int64_t first, int64_t end, wide x, wide *v, rotation *rotations) {
    for (int64_t i = first; i < end; i++) a[i * n + i] -= x;
    for (int64_t i = first; i + 1 < end; i++) {
        rotations[i] = rotation_to_zero(a[i * n + i], a[(i + 1) * n + i]);
        rotate_rows(a, n, i, i + 1, rotations[i]);
        a[(i + 1) * n + i] = 0;
    }
    for (int64_t i = first; i + 1 < end; i++) {
        rotate_columns(a, i + 2, n, i, i + 1, rotations[i]);
        rotate_columns(v, n, n, i, i + 1, rotations[i]);
    }
    for (int64_t i = first; i < end; i++) a[i * n + i] += x;
}

/* Where the last block that is coupled begins; what couples it with those before is zero, as far as numbers go. */
static int64_t block_start(wide *a, int64_t n, int64_t end) {
    for (int64_t i = end - 1; i > 0; i--) {
        wide *beside = &a[i * n + i - 1];
        if (cabsl(*beside) > LDBL_EPSILON * (cabsl(beside[1]) + cabsl(a[(i - 1) * n + i - 1]))) continue;
        *beside = 0;
        return i;
    }
    return 0;
}

enum { MOST_STEPS = 300 }; /* LAPACK's 30, more patiently */

static bool make_triangle(wide *a, int64_t n, wide *v, rotation *rotations) {
    int step = 0;
    for (int64_t end = n, first; end > 1; step++) {
        first = block_start(a, n, end);
        if (first < end - 1) {
            if (step == MOST_STEPS) return false;
            qr_step(a, n, first, end, shift_of(a, n, end, step), v, rotations);
        } else {
            end--;
            step = -1;
        }
    }
    return true;
}

static long double largest(const wide *a, int64_t count) {
    long double most = LDBL_MIN;
    for (int64_t i = 0; i < count; i++) most = fmaxl(most, cabsl(a[i]));
    return most;
}

/* Of eigenvalues that are the same to the last digit the differences count as that digit. */
static void triangle_vectors(const wide *a, int64_t n, wide *x) {
    long double least = LDBL_EPSILON * largest(a, n * n);
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = n - 1; i >= 0; i--) {
            wide sum = 0, difference = a[j * n + j] - a[i * n + i];
            for (int64_t c = i + 1; c <= j; c++) sum += a[i * n + c] * x[c * n + j];
            if (cabsl(difference) < least) difference = least;
            x[i * n + j] = i > j ? 0 : i == j ? 1 : sum / difference;
            bool large = cabsl(x[i * n + j]) > 0x1p4000L;
            for (int64_t c = i; large && c <= j; c++) x[c * n + j] *= 0x1p-4000L;
        }
}

static void turn_back(wide *v, int64_t n, const wide *x, wide *row) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) {
            row[j] = 0;
            for (int64_t c = 0; c < n; c++) row[j] += v[i * n + c] * x[c * n + j];
        }
        memcpy(v + i * n, row, (size_t)n * sizeof *v);
    }
    for (int64_t j = 0; j < n; j++) {
        long double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += square(v[i * n + j]);
        for (int64_t i = 0; i < n; i++) v[i * n + j] /= sqrtl(sum);
    }
}

bool matrix_eig(wide *a, int64_t n, wide *v, wide *room) {
    set_unit(v, n);
    balance(a, n, v);
    make_hessenberg(a, n, v);
    if (!make_triangle(a, n, v, (rotation *)(void *)room)) return false;
    triangle_vectors(a, n, room);
    turn_back(v, n, room, room + n * n);
    return true;
}
