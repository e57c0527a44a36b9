/* A group of elementwise nodes as one step: a program over registers. */
#include <string.h>

#include "eval/emit.h"

typedef struct {
    int last_use[GROUP_MAX_REGISTERS]; /* of value i: the instruction that reads it last; inputs come first, then a
                                          value an instruction */
    int reg[GROUP_MAX_REGISTERS];
    bool busy[GROUP_MAX_REGISTERS];
    int registers;
} allocation;

/* The first free one from `r` on. */
static int take_register(allocation *a, int r) {
    while (a->busy[r]) r++;
    a->busy[r] = true;
    if (r >= a->registers) a->registers = r + 1;
    return r;
}

/* The group's value number of an entry: an external's place, or externals + the member's place. */
static int value_number(schedule *s, const unit *u, node *const *nodes, tarn_array *input) {
    int e = schedule_source(s, input);
    for (int i = 0; i < u->external_count; i++)
        if (u->externals[i] == e) return i;
    for (int i = 0; i < u->count; i++)
        if (nodes[i]->outputs[0].note == e) return u->external_count + i;
    return -1;
}

static bool is_output(const schedule *s, const node *n) {
    const entry *e = &s->entries.items[n->outputs[0].note];
    return e->uses > 0 || e->retained;
}

static void find_last_uses(schedule *s, const unit *u, node *const *nodes, allocation *a) {
    for (int i = 0; i < u->external_count + u->count; i++) a->last_use[i] = i - u->external_count;
    for (int i = 0; i < u->count; i++) {
        for (int k = 0; k < nodes[i]->input_count; k++) a->last_use[value_number(s, u, nodes, nodes[i]->inputs[k])] = i;
    }
    for (int i = 0; i < u->count; i++) /* outputs stay to the end, whoever reads them */
        if (is_output(s, nodes[i])) a->last_use[u->external_count + i] = u->count;
}

static void free_registers(const unit *u, allocation *a, int instruction) {
    for (int v = 0; v < u->external_count + u->count; v++)
        if (a->last_use[v] == instruction && v < u->external_count + instruction + 1) a->busy[a->reg[v]] = false;
}

static void write_instructions(schedule *s, const unit *u, node *const *nodes, allocation *a, group_instruction *code) {
    for (int i = 0; i < u->external_count; i++) a->reg[i] = take_register(a, 0);
    for (int i = 0; i < u->count; i++) {
        const node *n = nodes[i];
        code[i] = (group_instruction){.op = (uint16_t)n->op,
                                      .dtype = (uint8_t)n->outputs[0].dtype,
                                      .input_dtype = (uint8_t)n->inputs[n->input_count - 1]->dtype};
        for (int k = 0; k < n->input_count; k++)
            code[i].arguments[k] = (uint16_t)a->reg[value_number(s, u, nodes, n->inputs[k])];
        /* The result has a register of its own: an instruction never writes over what it reads. One of an output held
           nothing before, so that it may lie where an input does that was read by then. */
        a->reg[u->external_count + i] = take_register(a, is_output(s, n) ? a->registers : 0);
        code[i].result = (uint16_t)a->reg[u->external_count + i];
        free_registers(u, a, i);
    }
}

static group_program *make_program(schedule *s, const unit *u, node *const *nodes, int outputs) {
    group_program *g = ARENA_NEW(&s->p->memory, group_program);
    group_instruction *code = ARENA_NEW_ARRAY(&s->p->memory, group_instruction, (size_t)(u->count));
    uint16_t *places = ARENA_NEW_ARRAY(&s->p->memory, uint16_t, (size_t)(u->external_count + outputs));
    if (!g || !code || !places) return NULL;
    allocation a;
    memset(a.busy, 0, sizeof a.busy);
    a.registers = 0;
    find_last_uses(s, u, nodes, &a);
    write_instructions(s, u, nodes, &a, code);
    for (int i = 0; i < u->external_count; i++) places[i] = (uint16_t)i;
    for (int i = 0, o = u->external_count; i < u->count; i++)
        if (is_output(s, nodes[i])) places[o++] = (uint16_t)a.reg[u->external_count + i];
    *g = (group_program){.input_count = u->external_count,
                         .output_count = outputs,
                         .instruction_count = u->count,
                         .register_count = a.registers,
                         .input_registers = places,
                         .output_registers = places + u->external_count,
                         .instructions = code};
    return g;
}

/* The external as the group's shape sees it: broadcast axes have stride 0. */
static int broadcast_input(schedule *s, int e, const tarn_array *shape, tarn_stream *stream) {
    int v = emit_value_of(s, e);
    if (v >= 0 && emit_is_unaligned(s, v)) v = emit_copy(s, v, stream);
    if (v < 0) return -1;
    const array_layout *at = &s->p->values.items[v].at;
    if (at->ndim == shape->ndim && shapes_equal(at->ndim, at->shape, shape->shape)) return v;
    value in = s->p->values.items[v], out = in;
    out.at.ndim = shape->ndim;
    memcpy(out.at.shape, shape->shape, sizeof out.at.shape);
    for (int i = 1; i <= shape->ndim; i++) {
        bool own = i <= in.at.ndim && in.at.shape[in.at.ndim - i] == shape->shape[shape->ndim - i];
        out.at.strides[shape->ndim - i] = own ? in.at.strides[in.at.ndim - i] : 0;
    }
    return vector_push(&s->p->values, out) ? (int)s->p->values.count - 1 : -1;
}

/* Blocks are loaded before they are stored: an output may lie in any dense input that is read for the last time, if
 * every input on that memory lies there alike. */
static bool overlaps_otherwise(const schedule *s, const step *st, int i) {
    const value *v = &s->p->values.items[st->inputs[i]];
    for (int k = 0; k < st->input_count; k++) {
        const value *w = &s->p->values.items[st->inputs[k]];
        if (k != i && w->storage == v->storage && (w->at.offset != v->at.offset || !emit_is_dense(s, st->inputs[k])))
            return true;
    }
    return false;
}

void group_dependences(const group_program *g, uint32_t *inputs) {
    uint32_t at[GROUP_MAX_REGISTERS];
    memset(at, 0, (size_t)g->register_count * sizeof *at);
    for (int i = 0; i < g->input_count; i++) at[g->input_registers[i]] = 1u << i;
    for (int i = 0; i < g->instruction_count; i++) {
        const group_instruction *in = &g->instructions[i];
        uint32_t read = 0;
        for (int k = 0; k < op_facts[in->op].most_inputs; k++) read |= at[in->arguments[k]];
        at[in->result] = read;
    }
    for (int i = 0; i < g->output_count; i++) inputs[i] = at[g->output_registers[i]];
}

/* Whether `out` may be written over input i: not if another output is. */
static bool may_take(const schedule *s, const step *st, int i, const tarn_array *out) {
    bool may = emit_may_take(s, st, i, out) && !overlaps_otherwise(s, st, i);
    int at = may ? s->p->values.items[st->inputs[i]].storage : -1;
    for (int k = 0; k < st->output_count && may; k++)
        may = st->outputs[k] < 0 || s->p->values.items[st->outputs[k]].storage != at;
    return may;
}

/* One of the inputs (a bit each) that `out` may be written over; with came_in an argument. -1: none. */
static int input_to_take(const schedule *s, const step *st, uint32_t inputs, const tarn_array *out, bool came_in) {
    for (int i = 0; i < st->input_count; i++)
        if (inputs >> i & 1 && may_take(s, st, i, out) && (!came_in || storage_of(s->p, st->inputs[i])->input >= 0))
            return i;
    return -1;
}

/* Over an input that the output is computed from: where another one is not good, the output still is. A result goes
   first of all where an argument lies that was given away: anywhere else it needs memory of its own. */
static int place_output(schedule *s, const step *st, int index, const tarn_array *out) {
    uint32_t inputs[GROUP_MAX_REGISTERS];
    group_dependences(st->group, inputs);
    inputs[index] &= st->row->may_overwrite;
    int i = s->entries.items[out->note].retained ? input_to_take(s, st, inputs[index], out, true) : -1;
    if (i < 0) i = input_to_take(s, st, inputs[index], out, false);
    return i >= 0 ? emit_take(s, st->inputs[i], out) : emit_dense_value(s, out, st->stream);
}

/* Its nodes, and those of their arrays that others need. How many these are. */
static int collect_nodes(const schedule *s, const unit *u, node **nodes, const tarn_array **outputs) {
    int count = 0, m = u->first;
    for (int i = 0; i < u->count; i++, m = s->members.items[m].next) {
        nodes[i] = s->members.items[m].node;
        if (is_output(s, nodes[i])) outputs[count++] = &nodes[i]->outputs[0];
    }
    return count;
}

static const tarn_array *output_of_group(const void *outputs, int k) {
    return ((const tarn_array *const *)outputs)[k];
}

/* What nobody wants of a formula with several outputs: there is no step, and what it would read is not kept for it. */
static bool leave_out(schedule *s, const unit *u) {
    for (int i = 0; i < u->external_count; i++) {
        if (emit_value_of(s, u->externals[i]) < 0) return false;
        emit_consume(s, u->externals[i], u->node->stream);
    }
    return true;
}

bool emit_group(schedule *s, const unit *u) {
    node *nodes[GROUP_MAX_REGISTERS];
    const tarn_array *outputs[GROUP_MAX_REGISTERS], *shape = &u->node->outputs[0];
    int count = collect_nodes(s, u, nodes, outputs);
    if (!count) return leave_out(s, u);
    int *lists = ARENA_NEW_ARRAY(&s->p->memory, int, (size_t)(u->external_count + count));
    step st = {.op = OP_group,
               .stream = u->node->stream,
               .input_count = u->external_count,
               .output_count = count,
               .inputs = lists};
    if (!lists || !(st.group = make_program(s, u, nodes, count))) return false;
    st.outputs = lists + u->external_count;
    for (int i = 0; i < u->external_count; i++)
        if ((lists[i] = broadcast_input(s, u->externals[i], shape, st.stream)) < 0) return false;
    if (!emit_choose_row(s, &st, output_of_group, outputs)) return false;

    for (int i = 0; i < u->external_count; i++) emit_consume(s, u->externals[i], st.stream);
    for (int i = 0; i < count; i++)
        if ((st.outputs[i] = place_output(s, &st, i, outputs[i])) < 0) return false;
    if (!emit_measure_workspace(s, &st)) return false;
    for (int i = 0; i < count; i++) emit_set_value(s, outputs[i]->note, st.outputs[i]);
    return emit_step(s, st) >= 0;
}
