/* The op conv as products of patches of x by the weight, through the blocked product of matmul/: a patch is read when
   its panel is filled, and no matrix of patches is ever made. An x with zeros between its elements is taken in phases,
   the places of the result that meet the same places of the kernel; so zeros are not multiplied. */
#include "table/conv.h"

#include "base/threads.h"
#include "cpu/conv/depthwise.h"
#include "cpu/conv/few.h"
#include "cpu/conv/patches.h"
#include "cpu/conv/phases.h"
#include "cpu/conv/product.h"
#include "cpu/conv/thin.h"
#include "cpu/conv/tiles.h"
#include "cpu/cpu.h"
#include "cpu/matmul/choose.h"
#include "cpu/matmul/gemm.h"

/* One product: a phase of a group. Places of the phase are begin + place * step of the result. */
typedef struct {
    conv_patches x, w;
    int axes;
    int64_t begin[CONV_AXES], step[CONV_AXES], out_stride[CONV_AXES], out_batch;
    gemm_problem problem;
    matmul_gather rows, columns;
} conv_product;

/* The element of the result's first channel at a line of x. */
static int64_t place_of_line(const conv_product *c, const patch_line *l) {
    int64_t at = l->b * c->out_batch;
    for (int i = 0; i < c->axes; i++) at += (c->begin[i] + l->place[i] * c->step[i]) * c->out_stride[i];
    return at;
}

static void places_of_rows(const void *context, int64_t row, int64_t count, int64_t *places) {
    const conv_product *c = context;
    patch_line l = patches_line(&c->x, row);
    for (int64_t i = 0; i < count; i++, patches_next_line(&c->x, &l)) places[i] = place_of_line(c, &l);
}

/* One axis of a phase: the same positions without zeros in between. Without a tap nothing is met. */
static void describe_axis(conv_product *p, int i, const call *c, const conv_axis *a, int64_t phase) {
    const operand *x = &c->inputs[0], *w = &c->inputs[1], *out = &c->outputs[0];
    int64_t kernel = w->shape[i + 1];
    bool flip = ((const attributes_conv *)c->attributes)->flip;
    conv_phase f = conv_phase_of(a, phase, kernel, out->shape[i + 1]);
    p->begin[i] = f.begin;
    p->step[i] = f.step;
    p->x.places[i] = f.places;
    p->x.taps[i] = f.taps;
    p->x.first[i] = f.first;
    p->x.place_step[i] = f.place_step;
    p->x.tap_step[i] = f.tap_step;
    p->x.size[i] = x->shape[i + 1];
    p->x.stride[i] = x->strides[i + 1];
    p->w.places[i] = 1;
    p->w.taps[i] = f.taps;
    p->w.first[i] = flip ? kernel - 1 - f.tap : f.tap;
    p->w.tap_step[i] = flip ? -f.kernel_step : f.kernel_step;
    p->w.size[i] = kernel;
    p->w.stride[i] = w->strides[i + 1];
}

/* Elements of x and w of a group, in the order in which they lie. */
static void describe_group(conv_product *p, const call *c, int64_t groups, int64_t group) {
    const operand *x = &c->inputs[0], *w = &c->inputs[1];
    int64_t bytes = dtype_bytes(x->dtype), channels = w->shape[w->ndim - 1], outs = w->shape[0] / groups;
    p->x.batch = x->shape[0], p->x.batch_stride = x->strides[0];
    p->x.channels = p->w.channels = channels;
    p->x.channel_stride = x->strides[x->ndim - 1], p->w.channel_stride = w->strides[w->ndim - 1];
    p->w.batch = outs, p->w.batch_stride = w->strides[0];
    p->x.batch_inner = p->x.batch_stride == 1 && p->x.channel_stride != 1;
    p->w.batch_inner = true;
    p->x.channels_outer = p->w.channels_outer = p->x.batch_inner;
    p->x.bytes = p->w.bytes = bytes;
    p->x.data = (const char *)x->data + group * channels * p->x.channel_stride * bytes;
    p->w.data = (const char *)w->data + group * outs * p->w.batch_stride * bytes;
}

/* Whether lines of x are places of the result in the order in which these lie, as far from each other. */
static bool lines_are_rows(const conv_product *p) {
    int64_t stride = p->out_stride[p->axes - 1];
    bool dense = !p->x.batch_inner;
    for (int i = p->axes - 1; i >= 0; i--) {
        dense = dense && p->begin[i] == 0 && p->step[i] == 1 && p->out_stride[i] == stride;
        stride *= p->x.places[i];
    }
    return dense && (p->out_batch == stride || p->x.batch == 1);
}

/* Phase i of axis i is digit i of `phase`. */
static void describe(conv_product *p, const call *c, int64_t group, int64_t phase) {
    const attributes_conv *a = c->attributes;
    const operand *out = &c->outputs[0];
    matmul_dtype dtype = matmul_dtype_of(out->dtype);
    int64_t outs = out->shape[out->ndim - 1];
    *p = (conv_product){.axes = out->ndim - 2};
    p->x.axes = p->w.axes = p->axes;
    describe_group(p, c, a->groups, group);
    p->out_batch = out->strides[0];
    for (int i = p->axes - 1; i >= 0; i--) {
        conv_axis axis = conv_axis_of(a, i, c->inputs[1].shape[i + 1]);
        p->out_stride[i] = out->strides[i + 1];
        describe_axis(p, i, c, &axis, phase % axis.input_dilation);
        phase /= axis.input_dilation;
    }
    if (patches_turn_well(&p->x)) p->x.kit = matmul_kit_in_use();
    p->rows = (matmul_gather){patches_read, &p->x, patches_turned(&p->x)};
    p->columns = (matmul_gather){patches_read, &p->w, patches_turned(&p->w)};
    p->problem = (gemm_problem){.rows = {.dtype = dtype, .gather = &p->rows},
                                .columns = {.dtype = dtype, .gather = &p->columns},
                                .row_count = patches_lines(&p->x),
                                .column_count = outs / a->groups,
                                .depth = patches_depth(&p->x),
                                .out = (char *)out->data + group * (outs / a->groups) * dtype_bytes(out->dtype),
                                .out_column_stride = 1,
                                .out_rows = places_of_rows,
                                .out_context = p,
                                .out_dtype = dtype};
    if (!lines_are_rows(p)) return;
    p->problem.out_rows = NULL;
    p->problem.out_row_stride = p->out_stride[p->axes - 1];
}

static bool is_phase(const call *c, int64_t phase) {
    const attributes_conv *a = c->attributes;
    for (int i = c->outputs[0].ndim - 3; i >= 0; i--) {
        conv_axis axis = conv_axis_of(a, i, c->inputs[1].shape[i + 1]);
        if (phase % axis.input_dilation >= conv_phases_of(&axis)) return false;
        phase /= axis.input_dilation;
    }
    return true;
}

static int64_t phases(const call *c) {
    const attributes_conv *a = c->attributes;
    int64_t count = 1;
    for (int i = 0; i < c->outputs[0].ndim - 2; i++) count *= conv_entry(a->input_dilation, i, 1);
    return count;
}

static const matmul_engine *engine_of(const call *c) {
    return matmul_engine_for(matmul_dtype_of(c->outputs[0].dtype), WEIGHTS_DENSE);
}

static int64_t workspace(const call *c) {
    int64_t most = 0;
    for (int64_t i = 0, n = phases(c); i < n; i++) {
        conv_product p;
        if (!is_phase(c, i)) continue;
        describe(&p, c, 0, i);
        int64_t bytes = gemm_workspace(engine_of(c), &p.problem);
        if (bytes > most) most = bytes;
    }
    return most;
}

static bool run(const call *c) {
    const attributes_conv *a = c->attributes;
    for (int64_t group = 0; group < a->groups; group++)
        for (int64_t i = 0, n = phases(c); i < n; i++) {
            conv_product p;
            if (!is_phase(c, i)) continue;
            describe(&p, c, group, i);
            gemm_run(engine_of(c), &p.problem, c->workspace);
        }
    return true;
}

enum { MOST_PHASES = 4096 }; /* more are left to the reference */

static bool supports(const call *c) {
    int64_t count = 1;
    const attributes_conv *a = c->attributes;
    for (int i = 0; i < c->outputs[0].ndim - 2 && count <= MOST_PHASES; i++)
        count *= conv_entry(a->input_dilation, i, 1);
    return c->outputs[0].ndim - 2 <= CONV_AXES && count <= MOST_PHASES;
}

const kernel_row conv_product_row = {.op = OP_conv,
                                     .name = "conv_cpu",
                                     .dtypes =
                                         DTYPE_BIT(TARN_FLOAT32) | DTYPE_BIT(TARN_BFLOAT16) | DTYPE_BIT(TARN_FLOAT16),
                                     .layout = LAYOUT_ANY,
                                     .any_address = 1 | 2,
                                     .supports = supports,
                                     .workspace = workspace,
                                     .run = run};

int cpu_rows_conv(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]) {
    if (isa != ISA_BASELINE) return 0; /* the product chooses its instruction set itself */
    static const kernel_row *const rows[] = {&conv_depthwise_row, &conv_tiles_row, &conv_thin_row, &conv_few_row,
                                             &conv_product_row};
    if (op != OP_conv) return 0;
    memcpy(out, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}
