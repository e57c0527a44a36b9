/* fft: a line along the axis after the other, shared out among threads. */
#include <math.h>
#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/fft/dft.h"

enum { GRAIN = 1 << 13 }; /* numbers worth a thread */

typedef struct {
    const call *call;
    const attributes_fft *attributes;
    int axis;
    int64_t n, lines, slots;
    int64_t slot_floats; /* input, output and room of a line */
    float scale;
    const dft *plan;
} fft_job;

static int64_t aligned(int64_t bytes) {
    return (bytes + 63) / 64 * 64;
}

static fft_job job_of(const call *c) {
    const attributes_fft *a = c->attributes;
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    fft_job j = {.call = c, .attributes = a, .axis = axis_normal(a->axis, x->ndim)};
    j.n = a->kind != FFT_REAL ? out->shape[j.axis] : a->n ? a->n : x->shape[j.axis];
    j.lines = operand_size(out) / out->shape[j.axis];
    int threads = parallel_threads();
    j.slots = j.lines < threads ? j.lines : threads;
    j.slot_floats = aligned((2 * j.n + dft_room(j.n)) * 8) / 4;
    bool divided = a->norm == TARN_FFT_FORWARD ? !a->inverse : a->norm == TARN_FFT_BACKWARD && a->inverse;
    double n = (double)j.n;
    j.scale = (float)(a->norm == TARN_FFT_ORTHO ? 1 / sqrt(n) : divided ? 1 / n : 1);
    return j;
}

/* Element offset of a line's first number. */
static int64_t line_offset(const operand *o, int axis, int64_t line) {
    int64_t offset = 0;
    for (int i = o->ndim - 1; i >= 0; i--) {
        if (i == axis) continue;
        offset += line % o->shape[i] * o->strides[i];
        line /= o->shape[i];
    }
    return offset;
}

/* n complex numbers of the line: cut off, followed by zeros, or by the conjugates. */
static void load_line(const fft_job *j, int64_t line, float *to) {
    const operand *x = &j->call->inputs[0];
    bool real = j->attributes->kind == FFT_REAL, half = j->attributes->kind == FFT_HALF;
    int64_t step = x->strides[j->axis], most = half ? j->n / 2 + 1 : j->n;
    int64_t count = x->shape[j->axis] < most ? x->shape[j->axis] : most;
    const float *from = (const float *)x->data + line_offset(x, j->axis, line) * (real ? 1 : 2);
    for (int64_t i = 0; i < count; i++) {
        to[2 * i] = real ? from[i * step] : from[2 * i * step];
        to[2 * i + 1] = real ? 0 : from[2 * i * step + 1];
    }
    memset(to + 2 * count, 0, (size_t)(2 * (j->n - count)) * sizeof *to);
    if (!half) return;
    to[1] = 0;
    if (j->n % 2 == 0) to[j->n + 1] = 0;
    for (int64_t i = 1; i < (j->n + 1) / 2; i++) {
        to[2 * (j->n - i)] = to[2 * i];
        to[2 * (j->n - i) + 1] = -to[2 * i + 1];
    }
}

static void store_line(const fft_job *j, int64_t line, const float *from) {
    const operand *out = &j->call->outputs[0];
    bool real = j->attributes->kind == FFT_HALF;
    int64_t step = out->strides[j->axis], count = out->shape[j->axis];
    float *to = (float *)out->data + line_offset(out, j->axis, line) * (real ? 1 : 2);
    for (int64_t i = 0; i < count; i++) {
        if (real) {
            to[i * step] = from[2 * i] * j->scale;
        } else {
            to[2 * i * step] = from[2 * i] * j->scale;
            to[2 * i * step + 1] = from[2 * i + 1] * j->scale;
        }
    }
}

static void run_slots(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const fft_job *j = context;
    for (int64_t slot = begin; slot < end; slot++) {
        float *in = (float *)j->call->workspace + slot * j->slot_floats, *out = in + 2 * j->n;
        for (int64_t line = j->lines * slot / j->slots; line < j->lines * (slot + 1) / j->slots; line++) {
            load_line(j, line, in);
            dft_run(j->plan, in, out, out + 2 * j->n);
            store_line(j, line, out);
        }
    }
}

static bool run(const call *c) {
    fft_job j = job_of(c);
    if (j.lines == 0) return true;
    j.plan = dft_plan((float *)c->workspace + j.slots * j.slot_floats, j.n, j.attributes->inverse);
    parallel_for(j.slots, j.lines * j.n < GRAIN ? j.slots : 1, run_slots, &j);
    return true;
}

static int64_t workspace(const call *c) {
    fft_job j = job_of(c);
    return j.lines == 0 ? 0 : j.slots * j.slot_floats * 4 + dft_bytes(j.n);
}

static bool supports(const call *c) {
    return job_of(c).n <= DFT_MOST;
}

int cpu_rows_fft(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]) {
    static const kernel_row row = {.op = OP_fft,
                                   .name = "fft_kissfft",
                                   .dtypes = DTYPE_BIT(TARN_FLOAT32) | DTYPE_BIT(TARN_COMPLEX64),
                                   .layout = LAYOUT_ANY,
                                   .supports = supports,
                                   .workspace = workspace,
                                   .run = run};
    return isa == ISA_BASELINE ? cpu_pick_rows(op, &row, 1, out, 0) : 0;
}
