/* Fourier transforms by their definition, in long double. */
#include <complex.h>
#include <math.h>

#include "reference/reference.h"
#include "reference/value.h"

typedef long double _Complex wide;

typedef struct {
    fft_kind kind;
    int64_t n;         /* numbers that are transformed */
    const wide *turns; /* exp(-+ 2 pi i k / n) */
    long double scale;
} dft;

static int64_t length_of(const call *c, int axis) {
    const attributes_fft *a = c->attributes;
    return a->kind == FFT_REAL ? (a->n ? a->n : c->inputs[0].shape[axis]) : c->outputs[0].shape[axis];
}

/* The line that begins at the cursor's element, as n numbers: cut off, followed by zeros, or the conjugates. */
static void load_line(const dft *d, cursor at, tarn_dtype dtype, wide *x) {
    for (int64_t i = 0; i < d->n; i++) x[i] = 0;
    int64_t most = d->kind == FFT_HALF ? d->n / 2 + 1 : d->n;
    for (int64_t i = 0; at.left > 0 && i < most; i++, cursor_next(&at)) {
        value v = value_loader_of(dtype)(at.at);
        x[i] = dtype == TARN_COMPLEX64 ? (wide)v.c : (wide)v.d;
    }
    if (d->kind != FFT_HALF) return;
    x[0] = creall(x[0]);
    if (d->n % 2 == 0) x[d->n / 2] = creall(x[d->n / 2]);
    for (int64_t i = 1; i < (d->n + 1) / 2; i++) x[d->n - i] = conjl(x[i]);
}

static void store_line(const dft *d, cursor to, tarn_dtype dtype, const wide *x) {
    for (int64_t k = 0; to.left > 0; k++, cursor_next(&to)) {
        wide sum = 0;
        for (int64_t i = 0; i < d->n; i++) sum += x[i] * d->turns[i * k % d->n];
        sum *= d->scale;
        if (dtype == TARN_COMPLEX64)
            value_storer_of(dtype)(to.at, value_convert((value){.c = (double _Complex)sum}, CLASS_COMPLEX, dtype));
        else
            value_storer_of(dtype)(to.at, value_convert((value){.l = creall(sum)}, CLASS_DOUBLE, dtype));
    }
}

static bool run(const call *c) {
    const attributes_fft *a = c->attributes;
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    int axis = axis_normal(a->axis, x->ndim);
    int64_t n = length_of(c, axis);
    wide *turns = c->workspace, *line = turns + n;
    bool divide = a->norm == TARN_FFT_FORWARD ? !a->inverse : a->norm == TARN_FFT_BACKWARD && a->inverse;
    long double whole = (long double)n, angle = (a->inverse ? 2 : -2) * acosl(-1) / whole;
    for (int64_t k = 0; k < n; k++) turns[k] = __builtin_complex(cosl(angle * k), sinl(angle * k));
    dft d = {a->kind, n, turns, a->norm == TARN_FFT_ORTHO ? 1 / sqrtl(whole) : divide ? 1 / whole : 1};
    unsigned others = all_axes(x) & ~(1u << axis);
    cursor to = cursor_of_axes(out, out->data, others), from = cursor_of_axes(x, x->data, others);
    for (; to.left > 0; cursor_next(&to), cursor_next(&from)) {
        load_line(&d, cursor_of_axes(x, from.at, 1u << axis), x->dtype, line);
        store_line(&d, cursor_of_axes(out, to.at, 1u << axis), out->dtype, line);
    }
    return true;
}

static int64_t workspace(const call *c) {
    int axis = axis_normal(((const attributes_fft *)c->attributes)->axis, c->inputs[0].ndim);
    return 2 * length_of(c, axis) * (int64_t)sizeof(wide);
}

const kernel_row reference_fft = {REFERENCE_ROW(fft), .workspace = workspace, .run = run};
