/* tarn_vmap: the function runs once, on stand-ins for one example; its graph is built again over the batch. */
#include "base/list.h"
#include "base/memory.h"
#include "core/scope.h"
#include "ops/batch.h"
#include "transform/transform.h"

typedef struct {
    int count;           /* of inputs */
    tarn_array **inputs; /* the caller's */
    int *axes;           /* of their batch; -1: none */
    int64_t size;        /* of the batch */
    tarn_array **fresh;  /* what the function sees */
    bool *marked;
    traced_function traced;
    graph graph;
    tarn_array **values; /* by slot */
    int *value_axes;
} batching;

static bool check_axes(batching *b, tarn_ints in_axes) {
    if (!list_check("vmap", "in_axes", in_axes)) return false;
    if (in_axes.values && in_axes.count != b->count)
        return tarn_fail("vmap: %lld in_axes for %d inputs", (long long)in_axes.count, b->count);
    int first = -1;
    for (int i = 0; i < b->count; i++) {
        const tarn_array *x = b->inputs ? b->inputs[i] : NULL;
        if (!x) return tarn_fail("vmap: input %d is NULL", i);
        int64_t axis = in_axes.values ? in_axes.values[i] : 0;
        b->axes[i] = -1;
        if (axis == TARN_UNBATCHED) continue;
        if (axis < -x->ndim || axis >= x->ndim)
            return tarn_fail_kind(TARN_ERROR_INDEX, "vmap: input %d has no axis %lld, only %d axes", i, (long long)axis,
                                  x->ndim);
        b->axes[i] = axis_normal(axis, x->ndim);
        int64_t size = x->shape[b->axes[i]];
        if (first >= 0 && size != b->size)
            return tarn_fail("vmap: input %d has %lld examples, input %d has %lld", first, (long long)b->size, i,
                             (long long)size);
        if (first < 0) first = i;
        b->size = size;
    }
    return first >= 0 || tarn_fail("vmap: no input has a batch axis");
}

/* One example: the input without its batch axis, and without a value. */
static tarn_array *example_of(int index, const tarn_array *x, int axis) {
    int64_t shape[TARN_MAX_NDIM], count = 0;
    for (int i = 0; i < x->ndim; i++)
        if (i != axis) shape[count++] = x->shape[i];
    return array_argument(index, (tarn_ints){shape, count}, x->dtype, x->node->stream);
}

static bool trace_examples(batching *b, tarn_function function) {
    tarn_array **sources = NEW_ARRAY(tarn_array *, b->count);
    if (!sources) return false;
    for (int i = 0; i < b->count; i++) {
        b->marked[i] = b->axes[i] >= 0;
        b->fresh[i] = b->marked[i] ? example_of(i, b->inputs[i], b->axes[i]) : b->inputs[i];
        sources[i] = b->marked[i] ? b->fresh[i] : NULL;
    }
    bool ok = traced_begin(&b->traced, "vmap", function, b->fresh, b->count, b->marked) &&
              graph_make(&b->graph, sources, b->count, b->traced.outputs, b->traced.output_count, batch_passes);
    memory_free(sources);
    return ok;
}

static bool run_batched(batching *b) {
    b->values = NEW_ARRAY(tarn_array *, b->graph.slot_count);
    b->value_axes = NEW_ARRAY(int, b->graph.slot_count);
    if (!b->values || !b->value_axes) return false;
    for (int i = 0; i < b->count; i++) {
        b->values[i] = b->inputs[i];
        b->value_axes[i] = b->axes[i];
    }
    return batch_pass(&b->graph, b->values, b->value_axes);
}

/* An output with its batch where the caller wants it; one that is the same for all examples is repeated. */
static tarn_array *placed_output(batching *b, int which, int64_t wanted) {
    tarn_array *out = b->traced.outputs[which];
    int64_t slot = graph_slot(&b->graph, out);
    int axis = slot >= 0 ? b->value_axes[slot] : -1, ndim = out->ndim + 1, place;
    out = slot >= 0 ? b->values[slot] : out;
    if (wanted == TARN_UNBATCHED) {
        if (axis >= 0) tarn_fail("vmap: output %d is different for each example, so it needs an out_axis", which);
        return tarn_ok() ? out : NULL;
    }
    if (!check_axis("vmap: out_axes", wanted, ndim, &place)) return NULL;
    if (axis < 0) out = batch_whole(out, -1, b->size);
    if (axis < 0) axis = 0;
    return axis == place ? out : tarn_moveaxis(out, axis, place);
}

static bool batch_outputs(batching *b, tarn_function function, tarn_vmap_options o, tarn_results *results) {
    if (!check_axes(b, o.in_axes) || !trace_examples(b, function)) return false;
    int count = b->traced.output_count;
    if (o.late_out_axes) o.out_axes = *o.late_out_axes;
    if (!list_check("vmap", "out_axes", o.out_axes)) return false;
    if (o.out_axes.values && o.out_axes.count != count)
        return tarn_fail("vmap: %lld out_axes for %d outputs", (long long)o.out_axes.count, count);
    if (!run_batched(b)) return false;
    for (int k = 0; k < count; k++)
        if (!tarn_result(results, placed_output(b, k, o.out_axes.values ? o.out_axes.values[k] : 0))) return false;
    return true;
}

static bool vmap_in_scope(batching *b, tarn_function function, tarn_vmap_options o, tarn_results *results) {
    b->axes = NEW_ARRAY(int, b->count);
    b->fresh = NEW_ARRAY(tarn_array *, b->count);
    b->marked = NEW_ARRAY(bool, b->count);
    bool ok = b->axes && b->fresh && b->marked && batch_outputs(b, function, o, results);
    graph_free(&b->graph);
    traced_end(&b->traced);
    memory_free(b->axes);
    memory_free(b->fresh);
    memory_free(b->marked);
    memory_free(b->values);
    memory_free(b->value_axes);
    return ok;
}

tarn_results *tarn_vmap_with(tarn_function function, tarn_array *const *inputs, int count, tarn_vmap_options o) {
    transform_call call;
    if (!transform_begin(&call, "vmap", count, NULL)) return NULL;
    batching b = {.count = count, .inputs = (tarn_array **)inputs};
    return transform_end(&call, vmap_in_scope(&b, function, o, call.results));
}
