/* [rms_norm] product of one row [residual sum, or silu gate]. */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/rows.h"

enum { MOST_PIECES = 1024 /* of 16 bytes, that a normed row may have */ };

typedef struct {
    const call *norm, *product, *after; /* norm, after: NULL where there is none */
    unsigned constant;                  /* of the product */
    bool packed;
    packed_vector_kernel packed_kernel;
    vector_kernel dense_kernel;
    around_product around;
} chain;

/* ---- before */
static bool is_norm_of(const call *norm, const call *product) {
    const operand *x = &norm->inputs[0], *weight = norm->input_count > 1 ? &norm->inputs[1] : NULL;
    int64_t n = operand_size(x), each = 16 / dtype_bytes(x->dtype);
    if (norm->row != &cuda_rms_norm || norm->outputs[0].data != product->inputs[0].data) return false;
    if (n != x->shape[x->ndim - 1] || n % each || n / each > MOST_PIECES || x->dtype != product->inputs[0].dtype)
        return false;
    const void *scale = weight ? weight->data : NULL;
    if (((uintptr_t)x->data | (uintptr_t)norm->outputs[0].data | (uintptr_t)scale) % 16) return false;
    return !scale || operand_size(weight) == n;
}

/* ---- behind */
/* y + other, or other + y */
static bool is_sum(const call *c, const operand *y, around_product *around) {
    if (!group_is_sum(c, y->dtype) || operand_size(&c->outputs[0]) != operand_size(y)) return false;
    int own = c->inputs[0].data == y->data ? 0 : 1;
    if (c->inputs[own].data != y->data || spans_meet(span_of(&c->inputs[1 - own]), span_of(y))) return false;
    *around = (around_product){.after = AFTER_ADD, .other = c->inputs[1 - own].data, .result = c->outputs[0].data};
    return true;
}

/* silu(first half of y) * second half */
static bool is_gate(const call *c, const operand *y, around_product *around) {
    int gate = c->input_count == 2 && c->inputs[0].data == y->data ? 0 : 1;
    int64_t half = operand_size(y) / 2;
    if (!group_is_gate(c, y->dtype, gate) || operand_size(&c->outputs[0]) != half || operand_size(y) % 16) return false;
    const operand *first = &c->inputs[gate], *second = &c->inputs[1 - gate];
    *around = (around_product){.after = AFTER_GATE, .result = c->outputs[0].data};
    return first->data == y->data && second->data == (char *)y->data + half * dtype_bytes(y->dtype) &&
           operand_size(first) == half && operand_size(second) == half && lies_in_line(first) && lies_in_line(second);
}

/* ---- together. Blocks run in no order: none may write what another still reads. What is overwritten by a later result
   is of no use to anybody behind. */
static bool meets_inputs(const call *c, byte_span written) {
    for (int i = 0; i < c->input_count; i++)
        if (spans_meet(span_of(&c->inputs[i]), written)) return true;
    return false;
}

/* What is added to the product; empty where nothing is. */
static byte_span span_of_other(const chain *c) {
    byte_span result = span_of(&c->after->outputs[0]), other = {(uintptr_t)c->around.other, 0};
    other.ends = other.begins + (c->around.other ? result.ends - result.begins : 0);
    return other;
}

static bool end_fits(const chain *c) {
    byte_span result = span_of(&c->after->outputs[0]), other = span_of_other(c);
    bool in_place = other.begins == result.begins || !spans_meet(other, result);
    for (int i = 1; i < c->product->input_count; i++)
        if (spans_meet(span_of(&c->product->inputs[i]), result)) return false;
    return in_place && (c->norm || !spans_meet(span_of(&c->product->inputs[0]), result));
}

static bool begin_fits(chain *c) {
    const operand *normed = &c->norm->outputs[0], *y = &c->product->outputs[0];
    byte_span result = c->after ? span_of(&c->after->outputs[0]) : (byte_span){0, 0};
    if (meets_inputs(c->norm, span_of(normed)) || meets_inputs(c->norm, span_of(y))) return false;
    if (c->after && (meets_inputs(c->norm, result) || spans_meet(span_of_other(c), span_of(normed)))) return false;
    bool lost = spans_meet(span_of(normed), span_of(y)) || spans_meet(span_of(normed), result);
    c->around.norm_to = lost ? NULL : normed->data;
    return true;
}

static void add_norm(chain *c, bool early) {
    const call *norm = c->norm;
    c->around.normed = true;
    c->around.early = early;
    c->around.eps = (float)((const attributes_rms_norm *)norm->attributes)->eps;
    c->around.norm_weight = norm->input_count > 1 ? norm->inputs[1].data : NULL;
}

static void launch(chain *c) {
    const operand *y = &c->product->outputs[0];
    void *to = c->after && spans_meet(span_of(y), span_of(&c->after->outputs[0])) ? NULL : y->data;
    if (c->packed) {
        c->packed_kernel.around = c->around;
        c->packed_kernel.part.to = to;
        if (c->norm) c->packed_kernel.x = c->norm->inputs[0].data;
        launch_packed_vector(&c->packed_kernel, cuda_stream_now);
    } else {
        c->dense_kernel.around = c->around;
        c->dense_kernel.part.to = to;
        if (c->norm) c->dense_kernel.x = c->norm->inputs[0].data;
        launch_vector(&c->dense_kernel, cuda_stream_now);
    }
}

static bool find_product(chain *c) {
    const call *p = c->product;
    c->packed = p->row == &cuda_quantized_matmul;
    if (c->packed) return packed_vector_of(p, c->constant, &c->packed_kernel);
    return p->row == &cuda_matmul_vector && dense_vector_of(p, c->constant, &c->dense_kernel);
}

static bool find_end(chain *c, int left) {
    const operand *y = &c->product->outputs[0];
    c->after = c->product + 1;
    if (left > 0 && (is_sum(c->after, y, &c->around) || is_gate(c->after, y, &c->around)) && end_fits(c)) return true;
    c->after = NULL;
    c->around = (around_product){0};
    return false;
}

int fuse_product(const call *calls, int count, const unsigned *constant) {
    chain c = {.norm = calls->op == OP_rms_norm ? calls : NULL};
    int taken = c.norm ? 2 : 1;
    if (count < taken) return 0;
    c.product = calls + taken - 1;
    c.constant = constant ? constant[taken - 1] : 0;
    if (!find_product(&c) || (c.norm && !is_norm_of(c.norm, c.product))) return 0;
    taken += find_end(&c, count - taken);
    if (c.norm && !begin_fits(&c)) return 0;
    if (taken < 2) return 0;
    if (c.norm) add_norm(&c, constant && constant[0] & 2);
    launch(&c);
    return taken;
}
