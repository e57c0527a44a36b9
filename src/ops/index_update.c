/* Updates of what an index selects: computed on the view that the entries name and written back into x. */
#include <string.h>

#include "core/scope.h"
#include "ops/front.h"
#include "ops/index.h"

/* old with values in its place, or both together. */
static tarn_array *combined(tarn_array *old, tarn_array *values, tarn_scatter_mode mode) {
    switch (mode) {
    case TARN_SCATTER_SET:
        return values;
    case TARN_SCATTER_ADD:
        return tarn_add(old, values);
    case TARN_SCATTER_MULTIPLY:
        return tarn_multiply(old, values);
    case TARN_SCATTER_MAX:
        return tarn_maximum(old, values);
    case TARN_SCATTER_MIN:
        return tarn_minimum(old, values);
    }
    return tarn_fail("index_update: there is no mode %d", (int)mode), NULL;
}

static tarn_array *update_all(tarn_array *v, tarn_array *values, tarn_scatter_mode mode) {
    return combined(v, tarn_broadcast_like(values, v), mode);
}

/* ---- a mask alone: elements are chosen, or rows of values put where it is true */

/* How many axes of the view stand behind those of the mask. */
static int axes_behind(const index_plan *p) {
    return p->ndim - (int)p->axes[0] - p->count;
}

/* How many rows values have, for a mask whose places are an axis of their own. */
static int64_t rows_of(const tarn_array *values, int behind) {
    return values->ndim > behind ? values->shape[values->ndim - 1 - behind] : 1;
}

/* a with `count` axes of size 1 inserted before the last `behind`. */
static tarn_array *widen(tarn_array *a, int count, int behind) {
    int64_t axes[TARN_MAX_NDIM];
    if (!a || count < 1 || a->ndim < behind) return a;
    for (int i = 0; i < count; i++) axes[i] = a->ndim - behind + i;
    return tarn_expand_dims(a, ((tarn_ints){axes, count}));
}

static tarn_array *update_where(tarn_array *v, tarn_array *values, const index_plan *p, tarn_scatter_mode mode) {
    int behind = axes_behind(p);
    tarn_array *mask = widen(p->masks[0].mask, behind, 0);
    if (values->ndim > behind) values = widen(values, p->count - 1, behind);
    return tarn_where(mask, update_all(v, values, mode), v);
}

/* ---- index arrays */

static tarn_array *update_picked(tarn_array *v, tarn_array *values, const index_plan *p, tarn_scatter_mode mode) {
    selection s = index_selection(p);
    tarn_array *like = index_order(gather_selected(v, &s), v, p, false);
    return scatter_selected(v, index_order(tarn_broadcast_like(values, like), v, p, true), &s, mode);
}

static bool find_masks(index_plan *p, int64_t rows, tarn_integer size) {
    bool alone = p->mask_count == 1 && p->picks == 1;
    if (!alone || size.given) return index_count_masks(p, size);
    return mask_indices(p->masks[0].mask, (mask_places){.most = rows, .fill = INT64_MIN, .check = true}, p->indices);
}

/* v with its selected elements updated. */
static tarn_array *update_view(tarn_array *v, tarn_array *values, index_plan *p, tarn_index_update_options o) {
    if (p->count == 0) return update_all(v, values, o.mode);
    bool masked = p->mask_count == 1 && p->picks == 1;
    int64_t rows = masked ? rows_of(values, axes_behind(p)) : 0;
    if (masked && rows == 1 && !o.size.given) return update_where(v, values, p, o.mode);
    if (!find_masks(p, rows, o.size) || (o.check && !index_check(v, p))) return NULL;
    return update_picked(v, values, p, o.mode);
}

/* ---- writing back */

/* The view with x's axes again: those that integers took away are of size 1, new ones are gone. */
static tarn_array *with_own_axes(tarn_array *v, const index_plan *p) {
    if (p->inserted_count) v = tarn_squeeze(v, .axes = {p->inserted, p->inserted_count});
    return p->dropped_count ? tarn_expand_dims(v, ((tarn_ints){p->dropped, p->dropped_count})) : v;
}

/* A start counted from the end is one that was worked out. */
static bool put_ranges(tarn_array *x, const index_plan *p, slice_range *ranges) {
    int64_t ndim = x->ndim;
    attributes_slice a = {{p->start, ndim}, {p->stop, ndim}, {p->step, ndim}, 0};
    if (!slice_ranges(&a, x, ranges)) return false;
    for (int i = 0; i < ndim; i++)
        if (ranges[i].start != p->start[i]) trace_note_sizes(x);
    return true;
}

static tarn_array *write_back(tarn_array *x, tarn_array *updated, const index_plan *p) {
    slice_range ranges[TARN_MAX_NDIM];
    updated = with_own_axes(updated, p);
    if (!updated || !p->sliced) return updated;
    return put_ranges(x, p, ranges) ? slice_put(x, updated, ranges) : NULL;
}

/* Values of x's dtype, without leading axes of size 1 that the selection does not have. */
static tarn_array *fitting(tarn_array *values, const tarn_array *x) {
    int64_t axes[TARN_MAX_NDIM];
    int count = 0;
    if (values->dtype != x->dtype) values = tarn_astype(values, x->dtype);
    while (values && count < values->ndim && values->shape[count] == 1) {
        axes[count] = count;
        count++;
    }
    return values && count ? tarn_squeeze(values, .axes = {axes, count}) : values;
}

static bool has_array(tarn_entries entries) {
    for (int64_t i = 0; entries.values && i < entries.count; i++)
        if (entries.values[i].kind == TARN_ENTRY_ARRAY) return true;
    return false;
}

tarn_array *tarn_index_update_with(tarn_array *x, tarn_entries entries, tarn_array *values,
                                   tarn_index_update_options o) {
    FRONT("index_update");
    REQUIRE(x, values);
    index_plan p;
    if (!index_parse(x, entries, has_array(entries), &p)) return NULL;
    tarn_array *v = index_view(x, &p);
    values = fitting(values, x);
    tarn_array *updated = v && values ? update_view(v, values, &p, o) : NULL;
    return updated ? write_back(x, updated, &p) : NULL;
}
