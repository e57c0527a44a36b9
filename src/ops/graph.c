/* Walking and rebuilding traced graphs, without recursion: a chain of a million nodes is walked like any other. */
#include "ops/graph.h"

#include "base/memory.h"
#include "core/scope.h"

/* places: the address of a source array, or of a node, to 1 + its (first) slot; 0: a node that does not depend on the
 * sources. */
static bool place(const graph *g, const void *key, uint64_t *value) {
    return map_get_pointer(g->places, key, value);
}

int64_t graph_slot(const graph *g, const tarn_array *a) {
    uint64_t value;
    if (!a) return -1;
    if (place(g, a, &value)) return (int64_t)value - 1;
    return place(g, a->node, &value) && value ? (int64_t)value - 1 + a->index : -1;
}

typedef struct {
    node *node;
    int next; /* input to look at */
} visit;
typedef VECTOR(visit) visit_stack;

static bool capture(graph *g, tarn_array *a) {
    return vector_push(&g->steps, ((graph_step){.first = g->slot_count, .captured = a})) &&
           map_set_pointer(g->places, a, (uint64_t)++g->slot_count);
}

/* Captured arrays are not entered: nothing that a trace has not marked can lead to a source. */
static bool enter(graph *g, visit_stack *stack, tarn_array *a) {
    uint64_t value;
    if (!a || place(g, a, &value) || place(g, a->node, &value)) return true;
    if (g->whole && (a->buffer || array_is_captured(a))) return capture(g, a);
    if (!g->whole && !trace_reaches(a)) return true;
    return map_set_pointer(g->places, a->node, 0) && vector_push(stack, ((visit){a->node, 0}));
}

static bool leave(graph *g, node *n, graph_connects connects) {
    bool connected = g->whole;
    for (int i = 0; i < n->input_count && !connected; i++)
        connected = graph_slot(g, n->inputs[i]) >= 0 && (!connects || connects(n, i));
    if (!connected) return true;
    if (!vector_push(&g->steps, ((graph_step){.node = n, .first = g->slot_count}))) return false;
    bool ok = map_set_pointer(g->places, n, (uint64_t)g->slot_count + 1);
    g->slot_count += (size_t)n->output_count;
    return ok;
}

static bool walk(graph *g, visit_stack *stack, tarn_array *end, graph_connects connects) {
    if (!enter(g, stack, end)) return false;
    while (stack->count) {
        visit *top = &stack->items[stack->count - 1];
        if (top->next < top->node->input_count) {
            const node *n = top->node;
            int i = top->next++;
            if ((!connects || connects(n, i)) && !enter(g, stack, n->inputs[i])) return false;
        } else if (!leave(g, vector_pop(stack).node, connects)) {
            return false;
        }
    }
    return true;
}

static bool make(graph *g, tarn_array *const *sources, int source_count, tarn_array *const *ends, int end_count,
                 graph_connects connects) {
    g->places = map_new();
    g->slot_count = (size_t)source_count;
    bool ok = g->places != NULL;
    uint64_t known;
    for (int i = 0; i < source_count && ok; i++)
        if (sources[i] && !place(g, sources[i], &known)) ok = map_set_pointer(g->places, sources[i], (uint64_t)i + 1);
    visit_stack stack = {0};
    for (int i = 0; i < end_count && ok; i++) ok = walk(g, &stack, ends[i], connects);
    vector_free(&stack);
    return ok;
}

bool graph_make(graph *g, tarn_array *const *sources, int source_count, tarn_array *const *ends, int end_count,
                graph_connects connects) {
    *g = (graph){0};
    return make(g, sources, source_count, ends, end_count, connects);
}

bool graph_make_whole(graph *g, tarn_array *const *sources, int source_count, tarn_array *const *ends, int end_count,
                      graph_connects connects) {
    *g = (graph){.whole = true};
    return make(g, sources, source_count, ends, end_count, connects);
}

void graph_free(graph *g) {
    vector_free(&g->steps);
    map_free(g->places);
    *g = (graph){0};
}
