/* Indexing: entries are parsed into a view and index arrays over its axes, which are gathered. */
#include "ops/index.h"

#include <string.h>

#include "ops/front.h"

/* ---- parsing */

typedef struct {
    const tarn_array *x;
    index_plan *p;
    int axis;           /* of x, the next one */
    bool integers_pick; /* integers become index arrays */
    bool picking;       /* the entry before this one was an integer, an array or a mask */
} parser;

static bool is_mask(const tarn_entry *e) {
    return e->kind == TARN_ENTRY_ARRAY && e->array && e->array->dtype == TARN_BOOL;
}

/* How many axes of x an entry stands for; -1 with the error set if it is none. */
static int axes_of(const tarn_entry *e) {
    switch (e->kind) {
    case TARN_ENTRY_INTEGER:
    case TARN_ENTRY_SLICE:
        return 1;
    case TARN_ENTRY_NEW_AXIS:
    case TARN_ENTRY_ELLIPSIS:
        return 0;
    case TARN_ENTRY_ARRAY:
        if (e->array) return is_mask(e) ? e->array->ndim : 1;
        return tarn_fail("index: an array is NULL"), -1;
    }
    return tarn_fail("index: there is no kind of entry %d", (int)e->kind), -1;
}

/* How many axes the entries leave to the ellipsis; -1 with the error set. */
static int count_rest(const tarn_array *x, tarn_entries entries) {
    int named = 0, ellipses = 0;
    if (entries.count < 0 || entries.count > 2 * TARN_MAX_NDIM + 1 || (entries.count && !entries.values))
        return tarn_fail("index: a list of %lld entries%s", (long long)entries.count, entries.values ? "" : " at NULL"),
               -1;
    for (int64_t i = 0; i < entries.count; i++) {
        int axes = axes_of(&entries.values[i]);
        if (axes < 0) return -1;
        named += axes;
        ellipses += entries.values[i].kind == TARN_ENTRY_ELLIPSIS;
    }
    if (ellipses > 1) return tarn_fail("index: more than one ellipsis"), -1;
    if (named > x->ndim) return tarn_fail("index: %d axes are indexed of an array of %d", named, x->ndim), -1;
    return x->ndim - named;
}

static void add_range(parser *s, int64_t start, int64_t stop, int64_t step) {
    index_plan *p = s->p;
    p->start[s->axis] = start;
    p->stop[s->axis] = stop;
    p->step[s->axis++] = step;
    p->sliced = p->sliced || start != 0 || stop != INT64_MAX || step != 1;
}

static void add_whole(parser *s, int count) {
    for (int i = 0; i < count; i++) add_range(s, 0, INT64_MAX, 1);
    s->p->ndim += count;
    s->picking = s->picking && count == 0;
}

static bool add_new_axis(parser *s) {
    if (s->p->inserted_count == TARN_MAX_NDIM || s->p->ndim >= TARN_MAX_NDIM)
        return tarn_fail("index: more than %d axes", TARN_MAX_NDIM);
    s->p->inserted[s->p->inserted_count++] = s->p->ndim++;
    return true;
}

static void begin_pick(parser *s) {
    s->p->picks++;
    s->p->runs += !s->picking;
    s->picking = true;
}

/* An index array over the next axis of the view. */
static void add_index(parser *s, tarn_array *index) {
    index_plan *p = s->p;
    p->x_axes[p->count] = s->axis;
    p->axes[p->count] = p->ndim++;
    p->indices[p->count++] = index;
}

static bool add_integer(parser *s, int64_t i) {
    int64_t size = s->x->shape[s->axis];
    if (i < -size || i >= size)
        return tarn_fail_kind(TARN_ERROR_INDEX, "index: %lld on axis %d, which has %lld elements", (long long)i,
                              s->axis, (long long)size);
    begin_pick(s);
    if (s->integers_pick) {
        add_index(s, tarn_scalar_int(i, TARN_INT64));
        add_range(s, 0, INT64_MAX, 1);
        return tarn_ok();
    }
    s->p->dropped[s->p->dropped_count++] = s->axis;
    add_range(s, i, i == -1 ? INT64_MAX : i + 1, 1);
    return true;
}

/* The mask's index arrays have their places; what they are is found out by index_count_masks. */
static bool add_mask(parser *s, tarn_array *mask) {
    begin_pick(s);
    for (int i = 0; i < mask->ndim; i++)
        if (mask->shape[i] != s->x->shape[s->axis + i])
            return fail_shapes(mask, " over axes of ", s->x, "index: a mask does not fit axis %d", s->axis + i);
    s->p->masks[s->p->mask_count++] =
        (index_mask){mask->ndim ? mask : tarn_expand_dims(mask, TARN_AXES(0)), s->p->count};
    if (mask->ndim == 0) { /* true or false: over a new axis */
        if (!add_new_axis(s)) return false;
        s->p->ndim--;
        add_index(s, NULL);
    }
    for (int i = 0; i < mask->ndim; i++) {
        add_index(s, NULL);
        add_range(s, 0, INT64_MAX, 1);
    }
    return tarn_ok();
}

static bool add_entry(parser *s, const tarn_entry *e, int rest) {
    switch (e->kind) {
    case TARN_ENTRY_INTEGER:
        return add_integer(s, e->start);
    case TARN_ENTRY_SLICE:
        add_range(s, e->start, e->stop, e->step);
        s->p->ndim++;
        s->picking = false;
        return e->step != 0 || tarn_fail("index: the step of a slice is 0");
    case TARN_ENTRY_NEW_AXIS:
        s->picking = false;
        return add_new_axis(s);
    case TARN_ENTRY_ELLIPSIS:
        add_whole(s, rest);
        return true;
    case TARN_ENTRY_ARRAY:
        break;
    }
    if (is_mask(e)) return add_mask(s, e->array);
    begin_pick(s);
    add_index(s, e->array);
    add_range(s, 0, INT64_MAX, 1);
    return true;
}

bool index_parse(const tarn_array *x, tarn_entries entries, bool integers_pick, index_plan *p) {
    parser s = {.x = x, .p = p, .integers_pick = integers_pick};
    *p = (index_plan){0};
    int rest = count_rest(x, entries), ndim = x->ndim;
    if (rest < 0) return false;
    for (int64_t i = 0; i < entries.count; i++) {
        const tarn_entry *e = &entries.values[i];
        bool wide = (is_mask(e) && e->array->ndim == 0) || e->kind == TARN_ENTRY_NEW_AXIS;
        if (wide && ++ndim > TARN_MAX_NDIM) return tarn_fail("index: more than %d axes", TARN_MAX_NDIM);
        if (!add_entry(&s, e, rest)) return false;
    }
    add_whole(&s, x->ndim - s.axis);
    return true;
}

/* ---- the view */

tarn_array *index_view(tarn_array *x, const index_plan *p) {
    int ndim = x->ndim;
    bool as_it_is = !p->sliced && p->inserted_count == 0;
    tarn_array *v = x;
    if (p->sliced)
        v = tarn_slice(v, ((tarn_ints){p->start, ndim}), ((tarn_ints){p->stop, ndim}), .step = {p->step, ndim});
    else if (as_it_is)
        v = tarn_slice(v, TARN_NO_AXES, TARN_NO_AXES); /* an array of its own */
    if (p->dropped_count) v = tarn_squeeze(v, .axes = {p->dropped, p->dropped_count});
    return p->inserted_count ? tarn_expand_dims(v, ((tarn_ints){p->inserted, p->inserted_count})) : v;
}

/* ---- index arrays */

bool index_count_masks(index_plan *p, tarn_integer size) {
    for (int i = 0; i < p->mask_count && tarn_ok(); i++) {
        tarn_array *mask = p->masks[i].mask;
        int64_t most = size.given ? size.value : mask_count(mask);
        if (!tarn_ok() ||
            !mask_indices(mask, (mask_places){.most = most, .fill = INT64_MIN}, p->indices + p->masks[i].first))
            return false;
    }
    return tarn_ok();
}

static bool is_of_mask(const index_plan *p, int k) {
    for (int i = 0; i < p->mask_count; i++)
        if (k >= p->masks[i].first && k < p->masks[i].first + p->masks[i].mask->ndim) return true;
    return false;
}

bool index_check(tarn_array *v, index_plan *p) {
    for (int k = 0; k < p->count; k++)
        if (!is_of_mask(p, k)) p->indices[k] = checked_indices(p->indices[k], v, p->axes[k]);
    return tarn_ok();
}

selection index_selection(const index_plan *p) {
    return (selection){p->indices, p->count, {p->axes, p->count}, {NULL, 0}};
}

tarn_array *index_order(tarn_array *picked, const tarn_array *v, const index_plan *p, bool back) {
    selection s = index_selection(p);
    selection_type t;
    int64_t order[TARN_MAX_NDIM], there[TARN_MAX_NDIM];
    if (!picked || p->runs < 2 || !selection_infer("index", v, &s, &t)) return picked;
    for (int i = 0, rest = t.index_ndim; i < picked->ndim; i++) {
        bool index = i >= t.place && i < t.place + t.index_ndim;
        there[i] = index ? i - t.place : rest++;
        order[there[i]] = i;
    }
    return tarn_transpose(picked, .axes = {back ? there : order, picked->ndim});
}

/* Masks are exempt: they select nothing there, or as many places as were said, which read as zero. */
static bool has_elements(const tarn_array *v, const index_plan *p) {
    for (int k = 0; k < p->count; k++)
        if (v->shape[p->axes[k]] == 0 && !is_of_mask(p, k))
            return tarn_fail("index: axis %d has no elements", p->x_axes[k]);
    return true;
}

tarn_array *tarn_index_with(tarn_array *x, tarn_entries entries, tarn_index_options o) {
    FRONT("index");
    REQUIRE(x);
    index_plan p;
    if (!index_parse(x, entries, false, &p)) return NULL;
    tarn_array *v = index_view(x, &p);
    if (!v || p.count == 0) return v;
    if (!index_count_masks(&p, o.size) || (o.check && !index_check(v, &p))) return NULL;
    selection s = index_selection(&p);
    tarn_array *picked = gather_selected(v, &s);
    if (picked && array_size(picked) > 0 && !has_elements(v, &p)) return NULL;
    return index_order(picked, v, &p, false);
}
