/* The list of what is fused, and what the finders share. */
#include "cuda/fuse/fuse.h"

#include <stdatomic.h>

#include "cuda/cuda.h"

byte_span span_of(const operand *o) {
    int64_t last = 0;
    if (!o->data || operand_size(o) == 0) return (byte_span){0, 0};
    uintptr_t begins = (uintptr_t)o->data;
    for (int i = 0; i < o->ndim; i++) {
        int64_t reach = (o->shape[i] - 1) * o->strides[i];
        if (reach < 0) begins -= (uintptr_t)(-reach * dtype_bytes(o->dtype));
        last += reach > 0 ? reach : 0;
    }
    return (byte_span){begins, (uintptr_t)o->data + (uintptr_t)((last + 1) * dtype_bytes(o->dtype))};
}

bool spans_meet(byte_span a, byte_span b) {
    return a.begins < b.ends && b.begins < a.ends;
}

bool lies_over_or_apart(const operand *written, const operand *read) {
    return written->data == read->data || !spans_meet(span_of(written), span_of(read));
}

bool call_leaves_alone(const call *c, byte_span there) {
    for (int i = 0; i < c->input_count; i++)
        if (spans_meet(span_of(&c->inputs[i]), there)) return false;
    for (int i = 0; i < c->output_count; i++)
        if (spans_meet(span_of(&c->outputs[i]), there)) return false;
    return true;
}

bool rows_step_by_16(const operand *o) {
    for (int i = 0; i < o->ndim - 1; i++)
        if (o->shape[i] > 1 && o->strides[i] * dtype_bytes(o->dtype) % 16) return false;
    return true;
}

bool lies_in_line(const operand *o) {
    return operand_is_dense(o);
}

/* ---- groups */
static bool does(const group_instruction *i, op_id op, tarn_dtype dtype) {
    return i->op == op && i->input_dtype == dtype && i->dtype == dtype;
}

static bool takes(const group_instruction *i, uint16_t a, uint16_t b) {
    return (i->arguments[0] == a && i->arguments[1] == b) || (i->arguments[0] == b && i->arguments[1] == a);
}

static bool is_plain(const call *c, int instructions, tarn_dtype dtype) {
    if (c->op != OP_group || c->input_count != 2 || c->output_count != 1 || !c->outputs[0].data) return false;
    if (c->program->instruction_count != instructions || c->outputs[0].dtype != dtype) return false;
    return c->inputs[0].dtype == dtype && c->inputs[1].dtype == dtype &&
           c->program->output_registers[0] == c->program->instructions[instructions - 1].result;
}

bool group_is_sum(const call *c, tarn_dtype dtype) {
    if (!is_plain(c, 1, dtype) || !lies_in_line(&c->inputs[0]) || !lies_in_line(&c->inputs[1])) return false;
    const group_instruction *add = c->program->instructions;
    const uint16_t *registers = c->program->input_registers;
    int64_t n = operand_size(&c->outputs[0]);
    return does(add, OP_add, dtype) && takes(add, registers[0], registers[1]) && operand_size(&c->inputs[0]) == n &&
           operand_size(&c->inputs[1]) == n;
}

bool group_is_difference(const call *c, tarn_dtype dtype, int *from) {
    if (!is_plain(c, 1, dtype)) return false;
    const group_instruction *subtract = c->program->instructions;
    const uint16_t *registers = c->program->input_registers;
    *from = subtract->arguments[0] == registers[0] ? 0 : 1;
    return does(subtract, OP_subtract, dtype) && subtract->arguments[0] == registers[*from] &&
           subtract->arguments[1] == registers[1 - *from];
}

bool group_is_widening(const call *c, const void *data, int64_t size, tarn_dtype dtype) {
    if (c->op != OP_group || c->input_count != 1 || c->output_count != 1 || c->program->instruction_count != 1)
        return false;
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    const group_instruction *widen = c->program->instructions;
    return widen->op == OP_astype && widen->input_dtype == dtype && widen->dtype == TARN_FLOAT32 &&
           c->program->output_registers[0] == widen->result && x->data == data && x->dtype == dtype &&
           out->dtype == TARN_FLOAT32 && out->data && lies_in_line(x) && operand_size(x) == size &&
           operand_size(out) == size && (dtype == TARN_FLOAT16 || dtype == TARN_BFLOAT16);
}

bool group_is_gate(const call *c, tarn_dtype dtype, int gate) {
    if (!is_plain(c, 2, dtype)) return false;
    const group_instruction *silu = c->program->instructions, *multiply = silu + 1;
    const uint16_t *registers = c->program->input_registers;
    return does(silu, OP_silu, dtype) && silu->arguments[0] == registers[gate] && silu->result != registers[1 - gate] &&
           does(multiply, OP_multiply, dtype) && takes(multiply, silu->result, registers[1 - gate]);
}

typedef int (*fusion)(const call *calls, int count, const unsigned *constant);
static const fusion fusions[] = {fuse_product, fuse_attention, fuse_by_rows,   fuse_packed, fuse_rows,
                                 fuse_sum,     fuse_gate,      fuse_long_rows, fuse_picked};
enum { FUSIONS = sizeof fusions / sizeof *fusions };

/* Of calls that were launched with the one before them: for tests, as results do not tell. */
static atomic_llong joined;
TARN_API int64_t tarn_backend_joined(void);
int64_t tarn_backend_joined(void) {
    return atomic_load(&joined);
}

/* Whether kernels of compute capability 9.0 run (warpgroups, clusters, streamed rows): what is joined differs. */
TARN_API bool tarn_backend_runs_hopper(void);
bool tarn_backend_runs_hopper(void) {
    return cuda_is_hopper();
}

int cuda_launch_next(const call *calls, int count, const unsigned *constant, bool *ok) {
    for (int i = 0; i < FUSIONS; i++) {
        int taken = fusions[i](calls, count, constant);
        if (taken == 0) continue;
        atomic_fetch_add(&joined, taken - 1);
        *ok = cuda_ok(cudaGetLastError(), calls[taken - 1].row->name);
        return taken;
    }
    cuda_constant_inputs = constant ? *constant : 0;
    *ok = cuda_launch(calls);
    cuda_constant_inputs = 0;
    return 1;
}
