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

/* ---- eig: shifted steps a - x = q r, a = r q + x on the part that is left, until its last row is zero before the
   diagonal; then the vectors of the triangle, turned back */

/* The eigenvalue of the last two rows' block that is nearer to its last element. */
static wide shift_of(const wide *a, int64_t n, int64_t size, int step) {
    wide p = a[(size - 2) * n + size - 2], q = a[(size - 2) * n + size - 1], r = a[(size - 1) * n + size - 2],
         d = a[(size - 1) * n + size - 1];
    if (step % 10 == 9) return d + cabsl(r); /* out of a cycle */
    wide middle = (p + d) / 2, root = csqrtl((p - d) * (p - d) / 4 + q * r);
    return cabsl(middle + root - d) < cabsl(middle - root - d) ? middle + root : middle - root;
}

/* a = qH a q, v = v q for the q of the leading block [size, size] less x. */
static void step(wide *a, int64_t n, int64_t size, wide x, wide *v, wide *room) {
    wide *block = room + n * n, *row = block + n * n;
    for (int64_t i = 0; i < size * size; i++) block[i] = a[i / size * n + i % size] - (i / size == i % size ? x : 0);
    matrix_qr(block, size, size, room, row);
    for (int64_t c = 0; c < n; c++) { /* rows: qH a */
        for (int64_t i = 0; i < size; i++) {
            row[i] = 0;
            for (int64_t j = 0; j < size; j++) row[i] += conjl(room[j * size + i]) * a[j * n + c];
        }
        for (int64_t i = 0; i < size; i++) a[i * n + c] = row[i];
    }
    for (int64_t r = 0; r < 2 * n; r++) { /* columns: a q, v q */
        wide *at = r < n ? a + r * n : v + (r - n) * n;
        for (int64_t i = 0; i < size; i++) {
            row[i] = 0;
            for (int64_t j = 0; j < size; j++) row[i] += at[j] * room[j * size + i];
        }
        memcpy(at, row, (size_t)size * sizeof *at);
    }
}

static bool row_is_done(const wide *a, int64_t n, int64_t row, long double scale) {
    for (int64_t c = 0; c < row; c++)
        if (cabsl(a[row * n + c]) > LDBL_EPSILON * scale) return false;
    return true;
}

static void triangle_vectors(const wide *a, int64_t n, long double scale, wide *x) {
    for (int64_t j = 0; j < n; j++)
        for (int64_t i = n - 1; i >= 0; i--) {
            wide sum = 0, difference = a[j * n + j] - a[i * n + i];
            for (int64_t c = i + 1; c <= j; c++) sum += a[i * n + c] * x[c * n + j];
            if (cabsl(difference) < LDBL_EPSILON * scale) difference = LDBL_EPSILON * scale;
            x[i * n + j] = i > j ? 0 : i == j ? 1 : sum / difference;
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
    long double scale = LDBL_MIN;
    for (int64_t i = 0; i < n * n; i++) scale = fmaxl(scale, cabsl(a[i]));
    set_unit(v, n);
    for (int64_t size = n; size > 1; size--)
        for (int i = 0; !row_is_done(a, n, size - 1, scale); i++) {
            if (i == 1000) return false;
            step(a, n, size, shift_of(a, n, size, i), v, room);
        }
    triangle_vectors(a, n, scale, room);
    turn_back(v, n, room, room + n * n);
    return true;
}
