/* Plans: sizes are factored, and the roots of unity that the steps need computed. */
#include "cpu/fft/plan.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

void *fft_take(fft_memory *m, int64_t bytes) {
    void *part = m->base ? m->base + m->used : NULL;
    m->used += (bytes + 63) / 64 * 64;
    return part;
}

/* ---- roots of unity */

static void put_root(double *to, int64_t k, int64_t n) {
    double angle = -2 * acos(-1) * (double)k / (double)n;
    to[0] = 4 * k == n || 4 * k == 3 * n ? 0 : cos(angle);
    to[1] = 2 * k == n ? 0 : sin(angle);
}

fft_roots fft_roots_of(fft_memory *m, int64_t n) {
    fft_roots r = {.n = n, .low = 1};
    while (r.low * r.low < n) r.low *= 2;
    int64_t high = n / r.low + 1;
    r.table = fft_take(m, (r.low + high) * 16);
    for (int64_t i = 0; r.table && i < r.low; i++) put_root(r.table + 2 * i, i, n);
    for (int64_t i = 0; r.table && i < high; i++) put_root(r.table + 2 * (r.low + i), i * r.low, n);
    return r;
}

void fft_root(const fft_roots *r, int64_t k, double scale, float to[2]) {
    const double *a = r->table + 2 * (k % r->low), *b = r->table + 2 * (r->low + k / r->low);
    double re = a[0] * b[0] - a[1] * b[1], im = a[0] * b[1] + a[1] * b[0];
    to[0] = fabs(re) < 1e-15 ? 0 : (float)(scale * re); /* a quarter of a turn */
    to[1] = fabs(im) < 1e-15 ? 0 : (float)(scale * im);
}

/* ---- sizes */

bool fft_is_smooth(int64_t n, int64_t most) {
    for (int64_t p = 2; p <= most && n > 1; p += p == 2 ? 1 : 2)
        while (n % p == 0) n /= p;
    return n == 1;
}

static int twos_of(int64_t n) {
    return n ? __builtin_ctzll((uint64_t)n) : 0;
}

/* Factors of 2 in passes of 8 and 4, the others one by one. */
static void choose_radices(fft_plan *p) {
    int twos = twos_of(p->n);
    for (; twos == 3 || twos > 4; twos -= 3) p->radices[p->passes++] = 8;
    for (; twos >= 2; twos -= 2) p->radices[p->passes++] = 4;
    if (twos) p->radices[p->passes++] = 2;
    int64_t rest = p->n >> twos_of(p->n);
    for (int r = 3; rest > 1; r += 2)
        for (; rest % r == 0; rest /= r) p->radices[p->passes++] = r;
}

static int64_t rounded_up(int64_t n) {
    return (n + FFT_SPAN - 1) / FFT_SPAN * FFT_SPAN;
}

/* The number of columns: a divisor with which few lanes stay empty and both parts are alike. */
int64_t fft_columns_of(int64_t n) {
    double least = INFINITY;
    int64_t best = 1;
    for (int64_t b = 2; b * b <= n; b++) {
        if (n % b) continue;
        int64_t a = n / b;
        double cost = (double)rounded_up(a) * (double)rounded_up(b) * (1 + 0.02 * (double)a / (double)b);
        if (cost <= least) least = cost, best = b;
    }
    return best;
}

/* ---- plans */

static void fill_circle(fft_plan *p, fft_memory *m, const fft_roots *roots) {
    float *to = fft_take(m, p->n * 8);
    for (int64_t k = 0; to && k < p->n; k++) fft_root(roots, k * (roots->n / p->n), 1, to + 2 * k);
    p->circle = to;
}

int64_t fft_spans(int64_t count) {
    return (count + FFT_SPAN - 1) / FFT_SPAN;
}

static void fill_factors(fft_plan *p, fft_memory *m, const fft_roots *roots) {
    int64_t a = p->height, spans = fft_spans(p->width), step = roots->n / p->n;
    float *coarse = fft_take(m, a * spans * 8), *fine = fft_take(m, a * FFT_SPAN * 8);
    for (int64_t k = 0; coarse && k < a; k++) {
        for (int64_t i = 0; i < spans; i++)
            fft_root(roots, k * i * FFT_SPAN % p->n * step, 1, coarse + 2 * (k * spans + i));
        for (int64_t i = 0; i < FFT_SPAN; i++) {
            float root[2];
            fft_root(roots, k * i % p->n * step, 1, root);
            fine[2 * k * FFT_SPAN + i] = root[0];
            fine[(2 * k + 1) * FFT_SPAN + i] = root[1];
        }
    }
    p->coarse = coarse;
    p->fine = fine;
}

static const fft_plan *placed(fft_memory *m, const fft_plan *p) {
    fft_plan *to = fft_take(m, (int64_t)sizeof *to);
    if (to) *to = *p;
    return to;
}

fft_plan fft_plan_make(fft_memory *m, int64_t n, const fft_roots *roots) {
    fft_plan p = {.n = n, .room = 2 * n};
    if (n <= FFT_SMALL) {
        choose_radices(&p);
        fill_circle(&p, m, roots);
        return p;
    }
    p.width = fft_columns_of(n), p.height = n / p.width;
    fft_plan columns = fft_plan_make(m, p.height, roots);
    fft_plan rows = p.width == p.height ? columns : fft_plan_make(m, p.width, roots);
    fill_factors(&p, m, roots);
    p.parts_room = columns.room > rows.room ? columns.room : rows.room;
    p.room = n + p.height + p.parts_room;
    p.columns = placed(m, &columns);
    p.rows = placed(m, &rows);
    return p;
}
