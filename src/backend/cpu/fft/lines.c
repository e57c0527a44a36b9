#include "cpu/fft/lines.h"

#include <string.h>

static int floats_of(const operand *o) {
    return o->dtype == TARN_COMPLEX64 ? 2 : 1;
}

/* Where a line is along an axis; *line becomes its number along the others. A division takes longer than a short line.
 */
static int64_t place_along(const operand *o, int axis, int64_t *line) {
    int64_t n = o->shape[axis], place = *line < n ? *line : *line % n;
    *line = *line < n ? 0 : *line / n;
    return place * o->strides[axis];
}

float *fft_line_of(const operand *o, int axis, int across, int64_t line) {
    int64_t offset = across >= 0 ? place_along(o, across, &line) : 0;
    for (int i = o->ndim - 1; i >= 0; i--)
        if (i != axis && i != across) offset += place_along(o, i, &line);
    return (float *)o->data + offset * floats_of(o);
}

int64_t fft_line_count(const fft_operands *o) {
    int64_t most = o->kind == FFT_HALF ? o->n / 2 + 1 : o->n, size = o->from->shape[o->axis];
    return size < most ? size : most;
}

/* `count` floats or complex numbers, a step apart. */
static void copy(float *to, int64_t to_step, const float *from, int64_t from_step, int64_t count, int floats) {
    if (to_step == 1 && from_step == 1) {
        memcpy(to, from, (size_t)(count * floats) * sizeof *to);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        for (int k = 0; k < floats; k++) to[floats * i * to_step + k] = from[floats * i * from_step + k];
}

static void copy_line(const fft_operands *o, int64_t line, float *to, int64_t to_step) {
    const float *from = fft_line_of(o->from, o->axis, o->across, line);
    copy(to, to_step, from, o->from->strides[o->axis], fft_line_count(o), floats_of(o->from));
}

/* Of half a line, in place. */
static void make_ends_real(const fft_operands *o, float *x) {
    x[1] = 0;
    if (o->n % 2 == 0) x[o->n + 1] = 0;
}

void fft_load(const fft_operands *o, int64_t line, float *to) {
    if (o->kind == FFT_REAL) {
        memset(to, 0, (size_t)o->n * 8);
        copy_line(o, line, to, 2);
        return;
    }
    int64_t count = fft_line_count(o);
    copy_line(o, line, to, 1);
    memset(to + 2 * count, 0, (size_t)(o->n - count) * 8);
    if (o->kind != FFT_HALF) return;
    make_ends_real(o, to);
    for (int64_t i = 1; i < (o->n + 1) / 2; i++) {
        to[2 * (o->n - i)] = to[2 * i];
        to[2 * (o->n - i) + 1] = -to[2 * i + 1];
    }
}

void fft_load_halved(const fft_operands *o, int64_t line, float *to) {
    int64_t count = fft_line_count(o) * floats_of(o->from), all = o->kind == FFT_HALF ? o->n + 2 : o->n;
    copy_line(o, line, to, 1);
    memset(to + count, 0, (size_t)(all - count) * sizeof *to);
    if (o->kind == FFT_HALF) make_ends_real(o, to);
}

void fft_store(const fft_operands *o, int64_t line, const float *from, bool real) {
    const operand *out = o->to;
    float *to = fft_line_of(out, o->axis, o->across, line);
    copy(to, out->strides[o->axis], from, floats_of(out) == 1 && !real ? 2 : 1, out->shape[o->axis], floats_of(out));
}
