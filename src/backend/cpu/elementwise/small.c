/* A group on so few elements that they are computed in less time than a plan (plan.h) takes: each instruction runs
   once, over all of them. All inputs are read before an output is written, so that these may share memory. */
#include <string.h>

#include "cpu/elementwise/elementwise.h"
#include "cpu/sizes.h"

enum { MOST_ELEMENTS = 256, SLOT_BYTES = 8, ALIGNMENT = 64, MOST_BYTES = 48 << 10 };

typedef struct {
    const elementwise_kernels *kernels;
    int64_t count, whole;           /* elements; as many or more in whole steps */
    int64_t bytes;                  /* of a slot */
    char *at[GROUP_MAX_REGISTERS];  /* where each register's value is: in a slot, or an input's memory */
    char *own[GROUP_MAX_REGISTERS]; /* each register's slot */
    char *spare;                    /* nobody's slot, which the next result goes to */
} registers;

/* Elements behind the last are computed with the others, and not stored. */
static void load(registers *r, int reg, const operand *o) {
    bool still = operand_is_still(o);
    int width = compute_type_bytes(compute_type_of(o->dtype));
    if (!still && r->count == r->whole && elementwise_is_raw(o->dtype)) {
        r->at[reg] = o->data;
        return;
    }
    int64_t loaded = still ? r->whole : r->count;
    r->at[reg] = r->own[reg];
    r->kernels->loads[o->dtype](r->at[reg], o->data, !still, loaded);
    memset(r->at[reg] + loaded * width, 0, (size_t)((r->whole - loaded) * width));
}

static void execute(registers *r, const group_instruction *in) {
    elementwise_loop loop = elementwise_loop_of(in, r->kernels);
    elementwise_convert convert = elementwise_convert_of(in, r->kernels);
    char *result = r->spare, *x = r->at[in->arguments[0]];
    if (loop) loop(result, x, r->at[in->arguments[1]], r->at[in->arguments[2]], r->whole, 0, result);
    if (convert) convert(result, loop ? result : x, r->whole);
    r->spare = r->own[in->result];
    r->own[in->result] = r->at[in->result] = result;
}

/* An output that is an input's value is copied first: another output may lie in that input's memory. */
static void store(registers *r, const call *c) {
    const group_program *p = c->program;
    for (int i = 0; i < p->output_count; i++) {
        int reg = p->output_registers[i];
        if (r->at[reg] == r->own[reg]) continue;
        r->at[reg] = memcpy(r->own[reg], r->at[reg], (size_t)(r->whole * dtype_bytes(c->outputs[i].dtype)));
    }
    for (int i = 0; i < p->output_count; i++)
        if (c->outputs[i].data)
            r->kernels->stores[c->outputs[i].dtype](c->outputs[i].data, r->at[p->output_registers[i]], r->count);
}

static bool inputs_are_simple(const call *c) {
    for (int i = 0; i < c->input_count; i++)
        if (!operand_is_still(&c->inputs[i]) && !operand_is_dense(&c->inputs[i])) return false;
    return true;
}

bool elementwise_run_small(const call *c, const elementwise_kernels *kernels) {
    const group_program *p = c->program;
    registers r;
    r.count = operand_size(&c->outputs[0]);
    r.whole = round_up(r.count, ELEMENTWISE_STEP);
    r.bytes = r.whole * SLOT_BYTES;
    if (r.count > MOST_ELEMENTS || (p->register_count + 1) * r.bytes > MOST_BYTES || !inputs_are_simple(c))
        return false;
    char memory[(p->register_count + 1) * r.bytes + ALIGNMENT];
    char *slots = memory + (-(uintptr_t)memory & (ALIGNMENT - 1));
    r.kernels = kernels;
    r.spare = slots + p->register_count * r.bytes;
    for (int i = 0; i < p->register_count; i++) r.at[i] = r.own[i] = slots + i * r.bytes;
    for (int i = 0; i < p->input_count; i++) load(&r, p->input_registers[i], &c->inputs[i]);
    for (int i = 0; i < p->instruction_count; i++) execute(&r, &p->instructions[i]);
    store(&r, c);
    return true;
}
