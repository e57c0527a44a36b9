/* Two steps become one where one loop computes both (pairs.h): the first one's value never leaves the registers of the
   processor. */
#include "cpu/elementwise/plan.h"

typedef elementwise_plan plan;

enum { NO_SLOT = SLOTS }; /* the result of a step that became part of another */

/* The row of a table of loops for an op as the first of a pair, or -1. */
static int first_of(uint16_t op) {
    static const int8_t places[OP_COUNT] = {
#define FIRST(kind, op) [OP_##op] = 1 + FIRST_##op,
        PAIR_FIRSTS(FIRST)
#undef FIRST
    };
    return places[op] - 1;
}

/* The column for an op that reads the first one's value as this argument, or -1. */
static int second_of(uint16_t op, int argument) {
    static const struct {
        uint16_t op;
        uint8_t places;
    } seconds[SECOND_COUNT] = {
#define SECOND(op, place, kind, first) {OP_##op, PAIR_##place},
        PAIR_SECONDS(SECOND, , )
#undef SECOND
    };
    int k = SECOND_COUNT - 1;
    while (k >= 0 && !(seconds[k].op == op && seconds[k].places >> argument & 1)) k--;
    return k;
}

static int writer_before(const plan *p, int i, int slot) {
    for (i--; i >= 0 && p->steps[i].result != slot;) i--;
    return i;
}

static bool is_read_once(const plan *p, int i, const bool *sunk) {
    int slot = p->steps[i].result, reads = 0;
    for (i++; i < p->step_count; i++) {
        for (int k = 0; k < p->steps[i].argument_count; k++) reads += p->steps[i].arguments[k] == slot;
        if (p->steps[i].result == slot) return reads == 1;
    }
    return reads == 1 && !sunk[slot];
}

/* Whether what step i reads is still there when step j begins. */
static bool may_wait(const plan *p, int i, int j) {
    const step *s = &p->steps[i];
    for (int between = i + 1; between < j; between++)
        for (int k = 0; k < s->argument_count; k++)
            if (p->steps[between].result == s->arguments[k]) return false;
    return true;
}

static void join(step *first, step *second, int argument, elementwise_loop loop) {
    uint8_t other = second->arguments[1 - argument], width = second->widths[1 - argument];
    int count = first->argument_count;
    for (int k = 0; k < count; k++) second->arguments[k] = first->arguments[k], second->widths[k] = first->widths[k];
    second->arguments[count] = other;
    second->widths[count] = width;
    second->argument_count = (uint8_t)(count + 1);
    second->loop = loop;
    second->pair = true;
    *first = (step){.result = NO_SLOT};
}

/* The loop of step i and step j, which reads its value as this argument; NULL: there is none. */
static elementwise_loop loop_of(const plan *p, const group_instruction *code, int i, int j, int argument) {
    elementwise_pass pass = pass_of((tarn_dtype)code[j].input_dtype);
    const step *s = &p->steps[i];
    if (!p->kernels->pairs[pass] || !s->loop || s->convert || s->pair) return NULL;
    int first = first_of(code[i].op), second = second_of(code[j].op, argument);
    return first < 0 || second < 0 ? NULL : p->kernels->pairs[pass][first][second];
}

static void pair_step(plan *p, const group_instruction *code, int j, const bool *sunk) {
    const step *s = &p->steps[j];
    for (int k = 0; k < s->argument_count && s->argument_count == 2; k++) {
        int i = writer_before(p, j, s->arguments[k]);
        elementwise_loop loop = i < 0 ? NULL : loop_of(p, code, i, j, k);
        if (!loop || !is_read_once(p, i, sunk) || !may_wait(p, i, j)) continue;
        join(&p->steps[i], &p->steps[j], k, loop);
        return;
    }
}

void elementwise_pair_steps(plan *p, const group_instruction *code, const bool *sunk) {
    int kept = 0;
    for (int j = 1; j < p->step_count; j++) pair_step(p, code, j, sunk);
    for (int i = 0; i < p->step_count; i++)
        if (p->steps[i].result != NO_SLOT) p->steps[kept++] = p->steps[i];
    p->step_count = kept;
}
