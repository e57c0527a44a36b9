#include "template/iterate.h"

#include "base/text.h"

static step step_list(render *r, iterator *it, value *item) {
    (void)r;
    const list *l = it->source.list;
    if (it->position >= l->count) return STEP_END;
    *item = l->items[it->position++];
    return STEP_ITEM;
}

static step step_string(render *r, iterator *it, value *item) {
    string *s = it->source.string;
    uint32_t c;
    if (it->position >= s->length) return STEP_END;
    size_t size = utf8_decode(s->bytes + it->position, s->length - it->position, &c);
    *item = string_value(string_slice_bytes(&r->memory, s, it->position, it->position + size));
    it->position += size;
    return failed(*item) ? STEP_FAILED : STEP_ITEM;
}

static step step_view(render *r, iterator *it, value *item) {
    const view *v = it->source.view;
    if (it->position >= v->dict->count) return STEP_END;
    const dict_entry *entry = &v->dict->entries[it->position++];
    *item = v->part == VIEW_KEYS ? entry->key : v->part == VIEW_VALUES ? entry->value : FAILED;
    if (v->part == VIEW_ITEMS) *item = tuple_value(list_pair(&r->memory, entry->key, entry->value));
    return failed(*item) ? STEP_FAILED : STEP_ITEM;
}

static step step_dict(render *r, iterator *it, value *item) {
    (void)r;
    if (it->position >= it->source.dict->count) return STEP_END;
    *item = it->source.dict->entries[it->position++].key;
    return STEP_ITEM;
}

static step step_range(render *r, iterator *it, value *item) {
    (void)r;
    const range *n = it->source.range;
    if ((int64_t)it->position >= n->count) return STEP_END;
    *item = integer_value(n->start + (int64_t)it->position++ * n->step);
    return STEP_ITEM;
}

static step step_nothing(render *r, iterator *it, value *item) {
    (void)r, (void)it, (void)item;
    return STEP_END;
}

static step_function step_of(value v) {
    switch (v.kind) {
    case VALUE_LIST:
    case VALUE_TUPLE:
        return step_list;
    case VALUE_STRING:
        return step_string;
    case VALUE_DICT:
        return step_dict;
    case VALUE_VIEW:
        return step_view;
    case VALUE_RANGE:
        return step_range;
    case VALUE_UNDEFINED:
        return step_nothing;
    default:
        return NULL;
    }
}

bool can_iterate(value v) {
    return v.kind == VALUE_ITERATOR || step_of(v) != NULL;
}

iterator *iterate(render *r, value v) {
    if (v.kind == VALUE_ITERATOR) return v.iterator;
    step_function next = step_of(v);
    if (!next) return render_fail(r, "'%s' object is not iterable", value_type_name(v)), NULL;
    iterator *it = ARENA_NEW(&r->memory, iterator);
    if (it) *it = (iterator){.next = next, .source = v};
    return it;
}

step iterator_next(render *r, iterator *it, value *item) {
    if (it->done) return STEP_END;
    if (!spend(r, 1)) return STEP_FAILED;
    step s = it->next(r, it, item);
    if (s != STEP_ITEM) it->done = true;
    return s;
}

value lazy(render *r, value v, step_function next, void *state) {
    iterator *it = ARENA_NEW(&r->memory, iterator);
    if (!it) return FAILED;
    *it = (iterator){.next = next, .source = v, .state = state};
    return (value){.kind = VALUE_ITERATOR, .iterator = it};
}

value walk_list(render *r, list *l) {
    return l ? lazy(r, list_value(l), step_list, NULL) : FAILED;
}

list *list_of(render *r, value v) {
    iterator *it = iterate(r, v);
    int64_t known = value_length(v);
    list *l = it ? list_new(&r->memory, known > 0 ? (size_t)known : 0) : NULL;
    if (!l) return NULL;
    value item;
    step s;
    while ((s = iterator_next(r, it, &item)) == STEP_ITEM)
        if (!list_push(&r->memory, l, item)) return NULL;
    return s == STEP_END ? l : NULL;
}

int64_t value_length(value v) {
    switch (v.kind) {
    case VALUE_STRING:
        return (int64_t)string_characters(v.string);
    case VALUE_LIST:
    case VALUE_TUPLE:
        return (int64_t)v.list->count;
    case VALUE_DICT:
        return (int64_t)v.dict->count;
    case VALUE_VIEW:
        return (int64_t)v.view->dict->count;
    case VALUE_RANGE:
        return v.range->count;
    case VALUE_UNDEFINED:
        return 0;
    default:
        return -1;
    }
}

step loop_peek(render *r, loop *l) {
    if (l->peeked) return l->at_end ? STEP_END : STEP_ITEM;
    step s = iterator_next(r, l->items, &l->after);
    if (s == STEP_FAILED) return s;
    l->peeked = true;
    l->at_end = s == STEP_END;
    return s;
}

/* Walked values without a length are read to their end, as Jinja does. */
bool loop_length(render *r, loop *l, int64_t *length) {
    if (l->length < 0) l->length = value_length(l->source);
    if (l->length < 0) {
        list *rest = list_of(r, (value){.kind = VALUE_ITERATOR, .iterator = l->items});
        iterator *it = rest ? iterate(r, list_value(rest)) : NULL;
        if (!it) return false;
        l->items = it;
        l->length = (int64_t)rest->count + l->index + 1 + (l->peeked && !l->at_end);
    }
    *length = l->length;
    return true;
}
