/* Attributes by description, and their defaults. */
#include "table/attributes.h"

#include <math.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "table/table.h"

/* ---- words */
#define WORD(ENUMERATOR, word) [ENUMERATOR] = #word,
#define NAMES(list, ...)                                                                                               \
    static const char *const words_##list[] = {__VA_ARGS__};                                                           \
    const name_list names_##list = {#list, (int)(sizeof words_##list / sizeof *words_##list), words_##list};
#define PUBLIC_NAMES(list, ...) NAMES(list, __VA_ARGS__)
#include "table/names.def"
#undef NAMES
#undef PUBLIC_NAMES
#undef WORD

bool name_find(const name_list *list, const char *word, int *place) {
    for (*place = 0; *place < list->count; ++*place)
        if (strcmp(list->words[*place], word) == 0) return true;
    return false;
}

/* ---- defaults */
#define NONE                                                                                                           \
    { 0 }
#define A(type, name, value) .name = value,
#define FUSED(op, least, most, outputs, batch, list, doc)                                                              \
    const attributes_##op attributes_##op##_default = {list.end_ = 0};
#define STRUCTURAL(op, least, most, outputs, kind, list, doc)                                                          \
    const attributes_##op attributes_##op##_default = {list.end_ = 0};
#include "table/fused.def"
#include "table/structural.def"
#undef A
#undef NONE
#undef FUSED
#undef STRUCTURAL

/* ---- by description */
static size_t bytes_of(attribute_type type) {
    static const size_t bytes[] = {sizeof(int64_t),
                                   sizeof(double),
                                   sizeof(bool),
                                   sizeof(tarn_dtype),
                                   sizeof(int),
                                   sizeof(tarn_ints),
                                   sizeof(attribute_reals),
                                   sizeof(attribute_object)};
    return bytes[type];
}

/* Lists of either type are a count and a pointer to so many values of eight bytes. */
static bool is_list(attribute_type type) {
    return type == ATTRIBUTE_INTS || type == ATTRIBUTE_REALS;
}
_Static_assert(sizeof(attribute_reals) == sizeof(tarn_ints) && sizeof(double) == sizeof(int64_t),
               "lists are copied as one type");
_Static_assert(sizeof(reduce_kind) == sizeof(int), "names are stored as int");

static bool lists_equal(tarn_ints a, tarn_ints b) {
    if (a.count != b.count || !a.values != !b.values) return false;
    return a.count == 0 || memcmp(a.values, b.values, (size_t)a.count * sizeof *a.values) == 0;
}

bool attributes_equal(op_id op, const void *a, const void *b) {
    int count;
    const attribute_fact *facts = op_attributes(op, &count);
    for (int i = 0; i < count; i++) {
        const char *pa = (const char *)a + facts[i].offset, *pb = (const char *)b + facts[i].offset;
        bool same = is_list(facts[i].type)
                        ? lists_equal(*(const tarn_ints *)(const void *)pa, *(const tarn_ints *)(const void *)pb)
                        : memcmp(pa, pb, bytes_of(facts[i].type)) == 0;
        if (!same) return false;
    }
    return true;
}

uint64_t attributes_hash(op_id op, const void *attributes, uint64_t hash) {
    int count;
    const attribute_fact *facts = op_attributes(op, &count);
    for (int i = 0; i < count; i++) {
        const char *p = (const char *)attributes + facts[i].offset;
        if (!is_list(facts[i].type)) {
            hash = hash_bytes(hash, p, bytes_of(facts[i].type));
            continue;
        }
        tarn_ints list = *(const tarn_ints *)(const void *)p;
        hash = hash_bytes(hash, &list.count, sizeof list.count);
        if (list.count) hash = hash_bytes(hash, list.values, (size_t)list.count * sizeof *list.values);
    }
    return hash;
}

/* ---- printing */
static bool print_real(double x, text *out) {
    return isnan(x) ? text_add(out, "none")
                    : text_format(out, "%g", x); /* NaN is how a row says that a real is absent */
}

static bool print_list(const attribute_fact *f, const void *p, text *out) {
    tarn_ints list = *(const tarn_ints *)p;
    if (!list.values) return text_add(out, "none");
    text_add(out, "[");
    for (int64_t i = 0; i < list.count; i++) {
        if (i) text_add(out, ", ");
        if (f->type == ATTRIBUTE_INTS)
            text_format(out, "%lld", (long long)list.values[i]);
        else
            print_real(((const attribute_reals *)p)->values[i], out);
    }
    return text_add(out, "]");
}

static bool print_object(const attribute_object *o, text *out) {
    if (!o->object) return text_add(out, "none");
    return o->type->describe ? o->type->describe(o->object, out) : text_add(out, o->type->name);
}

static bool print_one(const attribute_fact *f, const void *p, text *out) {
    switch (f->type) {
    case ATTRIBUTE_INTEGER:
        return text_format(out, "%lld", (long long)*(const int64_t *)p);
    case ATTRIBUTE_REAL:
        return print_real(*(const double *)p, out);
    case ATTRIBUTE_BOOLEAN:
        return text_add(out, *(const bool *)p ? "true" : "false");
    case ATTRIBUTE_DTYPE:
        return text_add(out, dtype_facts[*(const tarn_dtype *)p].name);
    case ATTRIBUTE_NAME:
        return text_add(out, f->names->words[*(const int *)p]);
    case ATTRIBUTE_OBJECT:
        return print_object(p, out);
    case ATTRIBUTE_INTS:
    case ATTRIBUTE_REALS:
        break;
    }
    return print_list(f, p, out);
}

bool attributes_print(op_id op, const void *attributes, text *out) {
    int count;
    const attribute_fact *facts = op_attributes(op, &count);
    for (int i = 0; i < count; i++) {
        text_format(out, i ? ", %s=" : "%s=", facts[i].name);
        print_one(&facts[i], (const char *)attributes + facts[i].offset, out);
    }
    return !out->failed;
}

/* ---- copies */
static int64_t list_bytes(const tarn_ints *list) {
    return (list->count + 1) * (int64_t)sizeof *list->values; /* an empty list is not an absent one: it has a place */
}

static void copy_list(tarn_ints *list, char **room) {
    if (!list->values) return;
    if (list->count) memcpy(*room, list->values, (size_t)list->count * sizeof *list->values);
    list->values = (const int64_t *)(const void *)*room;
    *room += list_bytes(list);
}

void *attributes_copy(op_id op, const void *attributes, bool *ok) {
    int count;
    const attribute_fact *facts = op_attributes(op, &count);
    *ok = true;
    if (count == 0) return NULL;
    /* The whole struct, end_ and padding included, so that it may be copied as one. */
    size_t own = (op_facts[op].attribute_bytes + 8) & ~(size_t)7, total = own;
    for (int i = 0; i < count; i++)
        if (is_list(facts[i].type))
            total += (size_t)list_bytes((const tarn_ints *)((const char *)attributes + facts[i].offset));
    char *copy = memory_new(1, total);
    *ok = copy != NULL;
    if (!copy) return NULL;
    memcpy(copy, attributes, op_facts[op].attribute_bytes);
    char *room = copy + own;
    for (int i = 0; i < count; i++) {
        void *at = copy + facts[i].offset;
        const attribute_object *o = at;
        if (is_list(facts[i].type)) copy_list(at, &room);
        if (facts[i].type == ATTRIBUTE_OBJECT && o->object) o->type->retain(o->object);
    }
    return copy;
}

void attributes_free(op_id op, void *attributes) {
    int count;
    const attribute_fact *facts = op_attributes(op, &count);
    for (int i = 0; i < count && attributes; i++) {
        const attribute_object *o =
            (const attribute_object *)(const void *)((const char *)attributes + facts[i].offset);
        if (facts[i].type == ATTRIBUTE_OBJECT && o->object) o->type->release(o->object);
    }
    memory_free(attributes);
}
