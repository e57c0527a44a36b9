/* Fourier transforms whose lanes are lines, or columns and rows of one line. Included once for each instruction set. */
#include "cpu/fft/kernels.h"
#include "cpu/fft/numbers.tpl.h"

/* ---- passes (T. G. Stockham, 1966): of n = radix m numbers, s times side by side */

typedef struct {
    const number *from;
    number *to;
    int64_t from_step, to_step, m, s;
    const float *circle;
} pass;

/* The numbers i, i + m, i + 2 m, … of each of the s; results of an i above 0 are turned. */
INLINE void pass_part(const pass *p, int64_t i, int radix, void (*transform)(number *), bool turns) {
    vf32 re[8], im[8];
    for (int k = 1; turns && k < radix; k++) {
        re[k] = splat_f32(p->circle[2 * i * k * p->s]);
        im[k] = splat_f32(p->circle[2 * i * k * p->s + 1]);
    }
    const number *from = p->from + p->s * i * p->from_step;
    number *to = p->to + p->s * radix * i * p->to_step;
    int64_t across = p->s * p->m * p->from_step, apart = p->s * p->to_step;
    for (int64_t q = 0; q < p->s; q++, from += p->from_step, to += p->to_step) {
        number x[8];
        UNROLL(8)
        for (int j = 0; j < radix; j++) x[j] = from[j * across];
        transform(x);
        to[0] = x[0];
        UNROLL(8)
        for (int k = 1; k < radix; k++) to[k * apart] = turns ? times(x[k], re[k], im[k]) : x[k];
    }
}

#define PASS(radix)                                                                                                    \
    static void pass_##radix(const pass *p) {                                                                          \
        pass_part(p, 0, radix, transform_##radix, false);                                                              \
        for (int64_t i = 1; i < p->m; i++) pass_part(p, i, radix, transform_##radix, true);                            \
    }
PASS(2)
PASS(3)
PASS(4)
PASS(5)
PASS(8)

enum { ODD_RESULTS = 2 };

/* Results k and radix - k of an odd radix, for `count` numbers k side by side: sums and differences of the numbers j
   and radix - j, by cosines and sines. Several k share what is loaded, and their chains of additions fill each other's
   waits; each is summed in the same order, however many there are. */
INLINE void odd_results(const pass *p, int radix, int first, int count, const number *x, number *y) {
    number even[ODD_RESULTS], odd[ODD_RESULTS];
    int64_t place[ODD_RESULTS], step = 2 * p->m * p->s, around = step * radix;
    UNROLL(ODD_RESULTS)
    for (int i = 0; i < count; i++) even[i] = x[0], odd[i] = (number){{0}, {0}}, place[i] = 0;
    UNROLL(6)
    for (int j = 1; 2 * j < radix; j++) {
        UNROLL(ODD_RESULTS)
        for (int i = 0; i < count; i++) {
            place[i] += (first + i) * step;
            place[i] -= place[i] >= around ? around : 0;
            even[i] = plus_scaled(even[i], x[j], p->circle[place[i]]);
            odd[i] = plus_scaled(odd[i], x[radix - j], -p->circle[place[i] + 1]);
        }
    }
    UNROLL(ODD_RESULTS)
    for (int i = 0; i < count; i++) {
        y[first + i] = add(even[i], turned(odd[i]));
        y[radix - first - i] = subtract(even[i], turned(odd[i]));
    }
}

INLINE void pass_odd_part(const pass *p, int radix, int64_t i, int64_t q) {
    number x[FFT_PRIME], y[FFT_PRIME], sum = {{0}, {0}};
    for (int j = 0; j < radix; j++) x[j] = p->from[(q + p->s * (i + p->m * j)) * p->from_step];
    for (int j = 0; j < radix; j++) sum = add(sum, x[j]);
    for (int j = 1; 2 * j < radix; j++) {
        number a = x[j], b = x[radix - j];
        x[j] = add(a, b);
        x[radix - j] = subtract(a, b);
    }
    y[0] = sum;
    int k = 1, half = radix / 2;
    for (; k + ODD_RESULTS - 1 <= half; k += ODD_RESULTS) odd_results(p, radix, k, ODD_RESULTS, x, y);
    for (; k <= half; k++) odd_results(p, radix, k, 1, x, y);
    for (int n = 0; n < radix; n++) {
        const float *root = p->circle + 2 * i * n * p->s;
        p->to[(q + p->s * (radix * i + n)) * p->to_step] =
            i ? times(y[n], splat_f32(root[0]), splat_f32(root[1])) : y[n];
    }
}

/* Of a radix that the compiler knows the numbers stay in registers, if they are few. */
INLINE void pass_odd(const pass *p, int radix) {
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t q = 0; q < p->s; q++) pass_odd_part(p, radix, i, q);
}

static void run_pass(const pass *p, int radix) {
    switch (radix) {
    case 2:
        pass_2(p);
        break;
    case 3:
        pass_3(p);
        break;
    case 4:
        pass_4(p);
        break;
    case 5:
        pass_5(p);
        break;
    case 8:
        pass_8(p);
        break;
    case 7:
        pass_odd(p, 7);
        break;
    case 11:
        pass_odd(p, 11);
        break;
    case 13:
        pass_odd(p, 13);
        break;
    default:
        pass_odd(p, radix);
    }
}

/* ---- transforms of lines side by side: numbers a step apart to numbers a step apart */

static void run_small(const fft_plan *p, const number *from, int64_t from_step, number *to, int64_t to_step,
                      number *room) {
    pass step = {.from = from, .from_step = from_step, .m = p->n, .s = 1, .circle = p->circle};
    if (p->passes == 0) *to = *from;
    for (int i = 0; i < p->passes; i++) {
        bool last = i == p->passes - 1;
        step.m /= p->radices[i];
        step.to = last ? to : room + i % 2 * p->n;
        step.to_step = last ? to_step : 1;
        run_pass(&step, p->radices[i]);
        step.from = step.to;
        step.from_step = 1;
        step.s *= p->radices[i];
    }
}

/* The factor of row k in column c, for lanes that are the columns from c on, or all of them c. */
INLINE number factor_from(const fft_plan *p, int64_t k, int64_t c, bool along) {
    const float *coarse = p->coarse + 2 * (k * fft_spans(p->width) + c / FFT_SPAN),
                *fine = p->fine + 2 * k * FFT_SPAN + c % FFT_SPAN;
    number one = along ? (number){load_f32(fine), load_f32(fine + FFT_SPAN)}
                       : (number){splat_f32(fine[0]), splat_f32(fine[FFT_SPAN])};
    return times(one, splat_f32(coarse[0]), splat_f32(coarse[1]));
}

static void run(const fft_plan *p, const number *from, int64_t from_step, number *to, int64_t to_step, number *room) {
    if (p->height == 0) {
        run_small(p, from, from_step, to, to_step, room);
        return;
    }
    int64_t a = p->height, b = p->width;
    number *table = room, *column = table + p->n, *rest = column + a;
    for (int64_t c = 0; c < b; c++) {
        run(p->columns, from + c * from_step, b * from_step, column, 1, rest);
        for (int64_t k = 0; k < a; k++) {
            number factor = factor_from(p, k, c, false);
            table[k * b + c] = times(column[k], factor.re, factor.im);
        }
    }
    for (int64_t k = 0; k < a; k++) run(p->rows, table + k * b, 1, to + k * to_step, a * to_step, rest);
}

/* ---- lines in lanes */

static void load_lines(number *to, const fft_lines *l, int64_t n, bool swap) {
    int64_t i = 0;
    for (; i + LANES / 2 <= n; i += LANES / 2) {
        vf32 v[LANES];
        for (int k = 0; k < LANES; k++) v[k] = load_f32(l->from[k < l->count ? k : 0] + 2 * i);
        transpose(v);
        for (int k = 0; k < LANES / 2; k++) to[i + k] = swapped((number){v[2 * k], v[2 * k + 1]}, swap);
    }
    if (i == n) return;
    vf32 v[LANES] = {{0}};
    for (int k = 0; k < LANES; k++) memcpy(&v[k], l->from[k < l->count ? k : 0] + 2 * i, (size_t)(n - i) * 8);
    transpose(v);
    for (int k = 0; k < n - i; k++) to[i + k] = swapped((number){v[2 * k], v[2 * k + 1]}, swap);
}

static void store_lines(const number *from, const fft_lines *l, int64_t n, const fft_step *s) {
    for (int64_t i = 0; i < n; i += LANES / 2) {
        int64_t some = n - i < LANES / 2 ? n - i : LANES / 2;
        vf32 v[LANES] = {{0}};
        for (int k = 0; k < some; k++) {
            number x = swapped(scaled(from[i + k], s->scale), s->backwards);
            v[2 * k] = x.re;
            v[2 * k + 1] = x.im;
        }
        transpose(v);
        if (some == LANES / 2)
            for (int k = 0; k < l->count; k++) store_f32(l->to[k] + 2 * i, v[k]);
        else
            for (int k = 0; k < l->count; k++) memcpy(l->to[k] + 2 * i, &v[k], (size_t)some * 8);
    }
}

static void lines(const fft_step *s, const fft_lines *l, float *room) {
    int64_t n = s->plan->n;
    number *in = (number *)(void *)room, *out = in + n;
    if (l->from_step)
        for (int64_t i = 0; i < n; i++)
            in[i] = swapped(load_some(l->from[0] + 2 * i * l->from_step, l->count), s->backwards);
    else
        load_lines(in, l, n, s->backwards);
    run(s->plan, in, 1, out, 1, out + n);
    if (!l->to_step) {
        store_lines(out, l, n, s);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        store_some(l->to[0] + 2 * i * l->to_step, swapped(scaled(out[i], s->scale), s->backwards), l->count);
}

/* ---- one long line. The table has, for each group of rows, the numbers of one column after the other. */

/* Rows [0, LANES) of columns in lanes become columns [0, count) of rows in lanes. */
INLINE void turn_block(number *to, const number *from, int64_t count) {
    vf32 re[LANES], im[LANES];
    for (int i = 0; i < LANES; i++) re[i] = from[i].re;
    transpose(re);
    for (int i = 0; i < count; i++) to[i].re = re[i];
    for (int i = 0; i < LANES; i++) im[i] = from[i].im;
    transpose(im);
    for (int i = 0; i < count; i++) to[i].im = im[i];
}

static void columns(const fft_step *s, const float *from, float *table, int64_t begin, int64_t end, float *room) {
    const fft_plan *p = s->plan;
    int64_t a = p->height, b = p->width, whole = (a + LANES - 1) / LANES * LANES;
    number *in = (number *)(void *)room, *out = in + whole, *to = (number *)(void *)table;
    for (int64_t c = begin * LANES; c < end * LANES && c < b; c += LANES) {
        int64_t count = b - c < LANES ? b - c : LANES;
        for (int64_t j = 0; j < a; j++) in[j] = swapped(load_some(from + 2 * (c + b * j), count), s->backwards);
        run(p->columns, in, 1, out, 1, out + whole);
        for (int64_t k = 0; k < a; k++) {
            number factor = factor_from(p, k, c, true);
            out[k] = times(out[k], factor.re, factor.im);
        }
        for (int64_t k = a; k < whole; k++) out[k] = (number){{0}, {0}};
        for (int64_t k = 0; k < whole; k += LANES) turn_block(to + k / LANES * b + c, out + k, count);
    }
}

static void rows(const fft_step *s, const float *table, float *to, int64_t begin, int64_t end, float *room) {
    const fft_plan *p = s->plan;
    int64_t a = p->height, b = p->width;
    const number *from = (const number *)(const void *)table;
    number *out = (number *)(void *)room;
    for (int64_t group = begin; group < end; group++) {
        int64_t k = group * LANES, count = a - k < LANES ? a - k : LANES;
        run(p->rows, from + group * b, 1, out, 1, out + b);
        for (int64_t j = 0; j < b; j++)
            store_some(to + 2 * (k + a * j), swapped(scaled(out[j], s->scale), s->backwards), count);
    }
}

/* ---- numbers one by one */

static void multiply(float *to, const float *a, const float *b, int64_t count) {
    for (int64_t i = 0; i < count; i += LANES) {
        number x = load_some(a + 2 * i, count - i), y = load_some(b + 2 * i, count - i);
        store_some(to + 2 * i, times(x, y.re, y.im), count - i);
    }
}

INLINE number reversed(number x) {
    return (number){__builtin_shufflevector(x.re, x.re, REVERSED), __builtin_shufflevector(x.im, x.im, REVERSED)};
}

/* Lanes are the numbers from k on, and those from m - k down, `count` of each. Both are read before one is written:
   in the middle they meet. */
INLINE void untangle_some(float *x, int64_t m, int64_t k, int64_t count, number t, float half) {
    float mirror[2 * LANES] = {0};
    int64_t first = m - k - count + 1;
    number a = load_some(x + 2 * k, count);
    memcpy(mirror + 2 * (LANES - count), x + 2 * first, (size_t)count * 8);
    number b = reversed(load_numbers(mirror));
    b.im = -b.im;
    number middle = scaled(add(a, b), half), difference = subtract(a, b), part = times(difference, t.re, t.im);
    number other = subtract(middle, part);
    other.im = -other.im;
    store_some(x + 2 * k, add(middle, part), count);
    store_numbers(mirror, reversed(other));
    memcpy(x + 2 * first, mirror + 2 * (LANES - count), (size_t)count * 8);
}

static void untangle(float *x, int64_t m, const float *coarse, const float *fine, float half, int64_t begin,
                     int64_t end) {
    for (int64_t k = begin; k < end; k += LANES) {
        const float *by = coarse + 2 * (k / FFT_SPAN), *at = fine + k % FFT_SPAN;
        number t = times((number){load_f32(at), load_f32(at + FFT_SPAN)}, splat_f32(by[0]), splat_f32(by[1]));
        untangle_some(x, m, k, end - k < LANES ? end - k : LANES, t, half);
    }
}

const fft_kernels ISA(fft_kernels) = {LANES, lines, columns, rows, multiply, untangle};
