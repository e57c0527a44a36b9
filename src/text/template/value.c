/* Strings, lists and dicts, and what Python asks of any value: truth, equality, hash, type name. */
#include <math.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "template/value.h"
#include "tarn/error.h"

enum { DEEPEST_VALUE = 200, SHARED_BUFFER = 128, SMALL_DICT = 8, HEAVIEST_KEY = 256 };

struct string_buffer {
    size_t used, capacity;
    char bytes[];
};

string *string_share(arena *memory, const char *bytes, size_t length) {
    string *s = ARENA_NEW(memory, string);
    if (s) *s = (string){.bytes = bytes, .length = length};
    return s;
}

string *string_copy(arena *memory, const char *bytes, size_t length) {
    char *copy = arena_take(memory, length + 1);
    if (!copy) return NULL;
    if (length) memcpy(copy, bytes, length);
    return string_share(memory, copy, length);
}

/* A buffer for a + b with as much room again, so that the next append finds place. */
static bool buffer_start(arena *memory, const string *a, size_t more, string *joined) {
    size_t length = a->length + more, capacity = length < SHARED_BUFFER ? length : 2 * length;
    struct string_buffer *buffer = arena_take(memory, sizeof *buffer + capacity);
    if (!buffer) return false;
    buffer->capacity = capacity;
    buffer->used = a->length;
    if (a->length) memcpy(buffer->bytes, a->bytes, a->length);
    joined->buffer = buffer;
    joined->bytes = buffer->bytes;
    return true;
}

string *string_join_two(arena *memory, string *a, string *b) {
    if (b->length == 0) return a;
    if (a->length == 0) return b;
    string *joined = string_share(memory, a->bytes, a->length);
    if (!joined) return NULL;
    struct string_buffer *shared = a->buffer;
    bool at_end =
        shared && a->bytes + a->length == shared->bytes + shared->used && b->length <= shared->capacity - shared->used;
    if (at_end)
        joined->buffer = shared;
    else if (!buffer_start(memory, a, b->length, joined))
        return NULL;
    memcpy(joined->buffer->bytes + joined->buffer->used, b->bytes, b->length);
    joined->buffer->used += b->length;
    joined->length = a->length + b->length;
    joined->counted = a->counted && b->counted;
    joined->characters = a->characters + b->characters;
    return joined;
}

string *string_slice_bytes(arena *memory, const string *s, size_t begin, size_t end) {
    return string_share(memory, s->bytes + begin, end - begin);
}

size_t string_characters(string *s) {
    if (s->counted) return s->characters;
    size_t count = 0;
    for (size_t i = 0; i < s->length; i++) count += ((unsigned char)s->bytes[i] & 0xC0) != 0x80;
    s->characters = count;
    s->counted = true;
    return count;
}

bool string_equal(const string *a, const string *b) {
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

bool string_is(const string *s, const char *name) {
    return s->length == strlen(name) && memcmp(s->bytes, name, s->length) == 0;
}

size_t string_offset(string *s, size_t index) {
    if (string_characters(s) == s->length) return index;
    size_t at = 0;
    for (; index > 0; index--) do
            at++;
        while (at < s->length && ((unsigned char)s->bytes[at] & 0xC0) == 0x80);
    return at;
}

list *list_new(arena *memory, size_t capacity) {
    list *l = ARENA_NEW(memory, list);
    if (!l || !(l->items = ARENA_NEW_ARRAY(memory, value, capacity))) return NULL;
    l->capacity = capacity;
    l->depth = 1;
    return l;
}

static int depth_of(value v) {
    if (is_sequence(v)) return v.list->depth;
    if (v.kind == VALUE_DICT) return v.dict->depth;
    return v.kind == VALUE_VIEW ? v.view->dict->depth + 2 : 0;
}

size_t value_weight(value v) {
    if (is_sequence(v)) return v.list->weight + 1;
    return v.kind == VALUE_DICT ? v.dict->weight + 1 : 1;
}

/* What a container of this depth and weight has once it gets one more item. */
static bool deepen(int *depth, size_t *weight, value item) {
    int inner = depth_of(item);
    size_t more = value_weight(item);
    *weight = more > SIZE_MAX / 4 - *weight ? SIZE_MAX / 4 : *weight + more;
    if (inner >= *depth) *depth = inner + 1;
    return *depth <= DEEPEST_VALUE || tarn_fail("values are nested more than %d deep", DEEPEST_VALUE);
}

bool list_push(arena *memory, list *l, value item) {
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 4;
        value *items = ARENA_NEW_ARRAY(memory, value, capacity);
        if (!items) return false;
        if (l->count) memcpy(items, l->items, l->count * sizeof *items);
        l->items = items;
        l->capacity = capacity;
    }
    l->items[l->count++] = item;
    return deepen(&l->depth, &l->weight, item);
}

list *list_pair(arena *memory, value a, value b) {
    list *l = list_new(memory, 2);
    return l && list_push(memory, l, a) && list_push(memory, l, b) ? l : NULL;
}

dict *dict_new(arena *memory) {
    dict *d = ARENA_NEW(memory, dict);
    if (d) d->depth = 1;
    return d;
}

/* The slot where the key is or belongs. */
static size_t slot_of(const dict *d, value key, uint64_t hash) {
    size_t slot = (size_t)hash & (d->slot_count - 1);
    for (; d->slots[slot]; slot = (slot + 1) & (d->slot_count - 1)) {
        const dict_entry *entry = &d->entries[d->slots[slot] - 1];
        if (entry->hash == hash && value_equal(entry->key, key)) break;
    }
    return slot;
}

static dict_entry *find_hashed(const dict *d, value key, uint64_t hash) {
    if (d->slot_count) {
        uint32_t number = d->slots[slot_of(d, key, hash)];
        return number ? &d->entries[number - 1] : NULL;
    }
    for (size_t i = 0; i < d->count; i++)
        if (d->entries[i].hash == hash && value_equal(d->entries[i].key, key)) return &d->entries[i];
    return NULL;
}

static bool dict_grow(arena *memory, dict *d) {
    size_t capacity = d->capacity ? 2 * d->capacity : 4;
    dict_entry *entries = ARENA_NEW_ARRAY(memory, dict_entry, capacity);
    if (!entries || capacity > UINT32_MAX / 4) return false;
    if (d->count) memcpy(entries, d->entries, d->count * sizeof *entries);
    d->entries = entries;
    d->capacity = capacity;
    if (capacity <= SMALL_DICT) return true;
    d->slot_count = 2 * capacity;
    if (!(d->slots = ARENA_NEW_ARRAY(memory, uint32_t, d->slot_count))) return false;
    for (size_t i = 0; i < d->count; i++) d->slots[slot_of(d, entries[i].key, entries[i].hash)] = (uint32_t)i + 1;
    return true;
}

bool dict_set(arena *memory, dict *d, value key, value item) {
    uint64_t hash;
    if (!value_hash(key, &hash)) return tarn_fail("unhashable type: '%s'", value_type_name(key));
    dict_entry *known = find_hashed(d, key, hash);
    if (known) return known->value = item, deepen(&d->depth, &d->weight, item);
    if (d->count == d->capacity && !dict_grow(memory, d)) return false;
    d->entries[d->count++] = (dict_entry){key, item, hash};
    if (d->slot_count) d->slots[slot_of(d, key, hash)] = (uint32_t)d->count;
    return deepen(&d->depth, &d->weight, item) && deepen(&d->depth, &d->weight, key);
}

const dict_entry *dict_find(const dict *d, value key) {
    uint64_t hash;
    return value_hash(key, &hash) ? find_hashed(d, key, hash) : NULL;
}

bool is_truthy(value v) {
    switch (v.kind) {
    case VALUE_FAILED:
    case VALUE_UNDEFINED:
    case VALUE_NONE:
        return false;
    case VALUE_BOOLEAN:
        return v.boolean;
    case VALUE_INTEGER:
        return v.integer != 0;
    case VALUE_REAL:
        return v.real != 0;
    case VALUE_STRING:
        return v.string->length > 0;
    case VALUE_LIST:
    case VALUE_TUPLE:
        return v.list->count > 0;
    case VALUE_DICT:
        return v.dict->count > 0;
    case VALUE_VIEW:
        return v.view->dict->count > 0;
    case VALUE_RANGE:
        return v.range->count > 0;
    default:
        return true;
    }
}

static bool numbers_equal(value a, value b) {
    if (is_whole(a) && is_whole(b)) return whole(a) == whole(b);
    if (a.kind == VALUE_REAL && b.kind == VALUE_REAL) return a.real == b.real;
    value n = is_whole(a) ? a : b, x = is_whole(a) ? b : a;
    return x.real >= -0x1p63 && x.real < 0x1p63 && x.real == floor(x.real) && (int64_t)x.real == whole(n);
}

static bool lists_equal(const list *a, const list *b) {
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (!value_equal(a->items[i], b->items[i])) return false;
    return true;
}

static bool dicts_equal(const dict *a, const dict *b) {
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++) {
        const dict_entry *other = find_hashed(b, a->entries[i].key, a->entries[i].hash);
        if (!other || !value_equal(a->entries[i].value, other->value)) return false;
    }
    return true;
}

static bool ranges_equal(const range *a, const range *b) {
    if (a->count != b->count) return false;
    return a->count == 0 || (a->start == b->start && (a->count == 1 || a->step == b->step));
}

bool value_equal(value a, value b) {
    if (is_number(a) && is_number(b)) return numbers_equal(a, b);
    if (a.kind != b.kind) return false;
    switch (a.kind) {
    case VALUE_NONE:
    case VALUE_UNDEFINED:
        return true;
    case VALUE_STRING:
        return a.string == b.string || string_equal(a.string, b.string);
    case VALUE_LIST:
    case VALUE_TUPLE:
        return a.list == b.list || lists_equal(a.list, b.list);
    case VALUE_DICT:
        return a.dict == b.dict || dicts_equal(a.dict, b.dict);
    case VALUE_RANGE:
        return ranges_equal(a.range, b.range);
    case VALUE_METHOD:
        return a.method->function == b.method->function && value_equal(a.method->self, b.method->self);
    default:
        return a.dict == b.dict; /* the same object */
    }
}

static uint64_t mix(uint64_t h) {
    h ^= h >> 32;
    h *= UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 29;
}

static bool hash_items(const list *l, uint64_t *hash) {
    uint64_t all = l->count, one;
    for (size_t i = 0; i < l->count; i++) {
        if (!value_hash(l->items[i], &one)) return false;
        all = mix(all ^ one) + i;
    }
    *hash = all;
    return true;
}

bool value_hash(value v, uint64_t *hash) {
    switch (v.kind) {
    case VALUE_STRING:
        return *hash = mix(hash_bytes(HASH_START, v.string->bytes, v.string->length)), true;
    case VALUE_BOOLEAN:
    case VALUE_INTEGER:
        return *hash = mix((uint64_t)whole(v)), true;
    case VALUE_REAL:
        /* A float equal to an integer has the integer's hash. */
        if (v.real >= -0x1p63 && v.real < 0x1p63 && v.real == floor(v.real))
            return *hash = mix((uint64_t)(int64_t)v.real), true;
        return *hash = mix(hash_bytes(HASH_START, &v.real, sizeof v.real)), true;
    case VALUE_NONE:
    case VALUE_UNDEFINED:
        return *hash = mix((uint64_t)v.kind + 77), true;
    case VALUE_TUPLE:
        return v.list->weight <= HEAVIEST_KEY && hash_items(v.list, hash);
    case VALUE_LIST:
    case VALUE_DICT:
    case VALUE_VIEW:
        return false;
    case VALUE_RANGE:
        return *hash = mix((uint64_t)v.range->count), true;
    case VALUE_METHOD:
        return *hash = mix((uint64_t)(uintptr_t)v.method->function), true;
    default:
        return *hash = mix((uint64_t)(uintptr_t)v.dict), true;
    }
}

const char *value_type_name(value v) {
    static const char *const names[] = {
        [VALUE_UNDEFINED] = "Undefined", [VALUE_NONE] = "NoneType",      [VALUE_BOOLEAN] = "bool",
        [VALUE_INTEGER] = "int",         [VALUE_REAL] = "float",         [VALUE_STRING] = "str",
        [VALUE_LIST] = "list",           [VALUE_TUPLE] = "tuple",        [VALUE_DICT] = "dict",
        [VALUE_RANGE] = "range",         [VALUE_ITERATOR] = "generator", [VALUE_NAMESPACE] = "Namespace",
        [VALUE_LOOP] = "LoopContext",    [VALUE_MACRO] = "Macro",        [VALUE_FUNCTION] = "function",
        [VALUE_METHOD] = "method",       [VALUE_CYCLER] = "Cycler",      [VALUE_JOINER] = "Joiner",
    };
    static const char *const views[] = {"dict_keys", "dict_values", "dict_items"};
    if (v.kind == VALUE_VIEW) return views[v.view->part];
    if (v.kind == VALUE_STRING && v.string->markup) return "Markup";
    return names[v.kind] ? names[v.kind] : "object";
}
