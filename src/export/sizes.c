/* Which sizes of its inputs a function may be called with, if not only with those of the example. One that asked for no
   size does the same for all. Another is traced with other sizes: where they get into the graph, by an attribute or by
   the value of a constant, or where the function takes no others, an axis keeps the size that it has. */
#include <string.h>

#include "base/memory.h"
#include "export/function_file.h"
#include "tarn/array.h"

typedef enum { ALIKE, DIFFERENT, REFUSED, FAILED } verdict;

typedef struct {
    signature *s;
    tarn_function function;
    const arguments *a;
    bool *varies; /* captured arrays that are others at each call: random keys */
} probe;

/* ---- comparing graphs */

static bool same_numbers(const int64_t *a, size_t a_count, const int64_t *b, size_t b_count) {
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof *a) == 0);
}

static bool same_step(const recorded_step *a, const recorded_step *b) {
    return a->op == b->op && a->input_count == b->input_count && a->output_count == b->output_count &&
           attributes_equal(a->op, a->attributes, b->attributes);
}

static bool same_steps(const recording *a, const recording *b) {
    if (a->steps.count != b->steps.count || a->captured.count != b->captured.count) return false;
    for (size_t i = 0; i < a->steps.count; i++)
        if (!same_step(&a->steps.items[i], &b->steps.items[i])) return false;
    return same_numbers(a->inputs.items, a->inputs.count, b->inputs.items, b->inputs.count) &&
           same_numbers(a->outputs.items, a->outputs.count, b->outputs.items, b->outputs.count);
}

static bool same_values(tarn_array *a, tarn_array *b) {
    if (a == b) return true;
    if (a->dtype != b->dtype || !array_same_shape(a, b)) return false;
    const void *x = tarn_data(a), *y = tarn_data(b);
    return array_size(a) == 0 || (x && y && memcmp(x, y, (size_t)array_bytes(a)) == 0);
}

static bool same_constants(const probe *p, const recording *other) {
    const recording *r = &p->s->graph;
    for (size_t i = 0; i < r->captured.count; i++)
        if (!p->varies[i] && !same_values(r->captured.items[i], other->captured.items[i])) return false;
    return true;
}

/* ---- tracing again */

/* The example's arrays, of another size on these axes. */
static bool resized(const probe *p, const uint32_t *axes, int64_t size, tarn_array **inputs) {
    for (int i = 0; i < p->a->count; i++) {
        array_type t = array_type_of(p->a->inputs[i]);
        for (int k = 0; axes && k < t.ndim; k++)
            if (axes[i] >> k & 1) t.shape[k] = size;
        inputs[i] = array_argument(i, (tarn_ints){t.shape, t.ndim}, t.dtype, stream_current());
        if (!inputs[i]) return false;
    }
    return true;
}

/* An error is the function's way to say that it takes no such arrays, but for those that are about something else. */
static verdict refused(void) {
    tarn_error_class kind = tarn_error_kind();
    if (kind == TARN_ERROR_MEMORY || kind == TARN_ERROR_INTERRUPT) return FAILED;
    tarn_clear_error();
    return REFUSED;
}

static verdict compare(const probe *p, const signature *other) {
    bool alike = same_steps(&p->s->graph, &other->graph) && same_constants(p, &other->graph);
    return !tarn_ok() ? FAILED : alike ? ALIKE : DIFFERENT;
}

static verdict trace_again(const probe *p, const uint32_t *axes, int64_t size, signature *other) {
    TARN_SCOPE;
    tarn_array **inputs = NEW_ARRAY(tarn_array *, p->a->count);
    arguments a = {inputs, p->a->count, p->a->names};
    bool ok = inputs && resized(p, axes, size, inputs) && signature_trace(other, "export", p->function, &a, NULL);
    memory_free(inputs);
    return ok ? ALIKE : refused();
}

static verdict try_size(const probe *p, const uint32_t *axes, int64_t size) {
    signature other = {0};
    verdict v = trace_again(p, axes, size, &other);
    if (v == ALIKE) v = compare(p, &other);
    signature_free(&other);
    return v;
}

/* Twice the size, for what is cut into parts, and one more. */
static verdict try_axes(const probe *p, const uint32_t *axes, int64_t size) {
    verdict twice = try_size(p, axes, size ? 2 * size : 2);
    if (twice == DIFFERENT || twice == FAILED) return twice;
    verdict more = try_size(p, axes, size + 1);
    return more == REFUSED ? twice : more;
}

/* ---- axis by axis */

/* The axes of this size. */
static int axes_of_size(const probe *p, int64_t size, uint32_t *axes) {
    int count = 0;
    for (int i = 0; i < p->a->count; i++) {
        const tarn_array *a = p->a->inputs[i];
        axes[i] = 0;
        for (int k = 0; k < a->ndim; k++)
            if (a->shape[k] == size) axes[i] |= UINT32_C(1) << k, count++;
    }
    return count;
}

/* An axis may go with others of its size; whether it may change by itself or not, that must not give another graph. */
static bool free_axis(const probe *p, int input, int axis, verdict together, uint32_t *alone) {
    memset(alone, 0, (size_t)p->a->count * sizeof *alone);
    alone[input] = UINT32_C(1) << axis;
    verdict v = try_axes(p, alone, p->a->inputs[input]->shape[axis]);
    if (v == ALIKE || (v == REFUSED && together == ALIKE)) p->s->free.items[input] |= alone[input];
    return v != FAILED;
}

static bool free_size(const probe *p, int64_t size, uint32_t *axes, uint32_t *alone) {
    axes_of_size(p, size, axes);
    verdict together = try_axes(p, axes, size);
    for (int i = 0; together != FAILED && i < p->a->count; i++)
        for (int k = 0; k < p->a->inputs[i]->ndim; k++)
            if (axes[i] >> k & 1 && !free_axis(p, i, k, together, alone)) return false;
    return together != FAILED;
}

/* Whether no axis before this one has its size. */
static bool is_first(const probe *p, int input, int axis) {
    int64_t size = p->a->inputs[input]->shape[axis];
    for (int i = 0; i <= input; i++)
        for (int k = 0; k < (i == input ? axis : p->a->inputs[i]->ndim); k++)
            if (p->a->inputs[i]->shape[k] == size) return false;
    return true;
}

static bool free_sizes(const probe *p, uint32_t *axes, uint32_t *alone) {
    for (int i = 0; i < p->a->count; i++)
        for (int k = 0; k < p->a->inputs[i]->ndim; k++)
            if (is_first(p, i, k) && !free_size(p, p->a->inputs[i]->shape[k], axes, alone)) return false;
    return true;
}

/* The same sizes once more: what differs then is no matter of sizes. A function that does something else each time
   keeps all of them. */
static bool find_varying(const probe *p, bool *repeats) {
    signature other = {0};
    const recording *r = &p->s->graph;
    verdict v = trace_again(p, NULL, 0, &other);
    *repeats = v == ALIKE && same_steps(r, &other.graph);
    for (size_t i = 0; *repeats && i < r->captured.count; i++)
        p->varies[i] = !same_values(r->captured.items[i], other.graph.captured.items[i]);
    signature_free(&other);
    return v != FAILED && tarn_ok();
}

static bool probe_sizes(probe *p) {
    TARN_SCOPE;
    bool repeats = false;
    uint32_t *axes = NEW_ARRAY(uint32_t, p->a->count), *alone = NEW_ARRAY(uint32_t, p->a->count);
    bool ok = axes && alone && find_varying(p, &repeats) && (!repeats || free_sizes(p, axes, alone));
    memory_free(axes);
    memory_free(alone);
    return ok;
}

bool signature_free_sizes(signature *s, tarn_function function, const arguments *a, bool holds_sizes) {
    for (int i = 0; !holds_sizes && i < a->count; i++) s->free.items[i] = (UINT32_C(1) << a->inputs[i]->ndim) - 1;
    if (!holds_sizes) return true;
    probe p = {s, function, a, NEW_ARRAY(bool, s->graph.captured.count)};
    bool ok = p.varies && probe_sizes(&p);
    memory_free(p.varies);
    return ok;
}
