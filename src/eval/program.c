/* The life of programs. One is made for every evaluation, however small: one is kept with its lists. */
#include "eval/program.h"

#include "base/holds.h"
#include "base/memory.h"

enum { MOST_VALUES_KEPT = 4096 };
static program *_Atomic spare;

program *program_new(void) {
    program *p = atomic_exchange(&spare, NULL);
    if (!p) p = NEW(program);
    if (p) atomic_init(&p->references, 1);
    return p;
}

static void free_lists(program *p) {
    vector_free(&p->values);
    vector_free(&p->storages);
    vector_free(&p->steps);
    vector_free(&p->inputs);
    vector_free(&p->outputs);
    vector_free(&p->scratches);
    vector_free(&p->bases);
    vector_free(&p->segments);
    vector_free(&p->uses);
    arena_free(&p->memory);
}

static void empty(program *p) {
    p->values.count = p->storages.count = p->steps.count = p->inputs.count = p->outputs.count = 0;
    p->scratches.count = p->bases.count = p->segments.count = p->uses.count = 0;
    arena_reset(&p->memory);
    p->copies = p->elements = 0;
    p->calls = NULL;
    p->operands = NULL;
    p->places = NULL;
    p->operand_count = 0;
    p->once = false;
}

program *program_retain(program *p) {
    atomic_fetch_add(&p->references, 1);
    return p;
}

void program_release(program *p) {
    if (!p || !holds_end(&p->references)) return;
    for (size_t i = 0; i < p->steps.count; i++) attributes_free(p->steps.items[i].op, p->steps.items[i].attributes);
    for (size_t i = 0; i < p->inputs.count; i++) buffer_release(p->inputs.items[i].captured);
    for (size_t i = 0; i < p->segments.count; i++)
        if (p->segments.items[i].plan) p->segments.items[i].stream->backend->plan_free(p->segments.items[i].plan);
    empty(p);
    if (p->values.capacity <= MOST_VALUES_KEPT) p = atomic_exchange(&spare, p);
    if (!p) return;
    free_lists(p);
    memory_free(p);
}

/* The process ends: tools that look for leaks would report it. */
__attribute__((destructor)) static void free_spare(void) {
    program *p = atomic_exchange(&spare, NULL);
    if (p) free_lists(p);
    memory_free(p);
}
