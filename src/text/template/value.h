/* The values a template works with: Python's, as far as Jinja shows them. All live in the arena of one rendering
   (constants in that of the template) and never change, except namespaces, iterators, loops, cyclers and joiners. */
#ifndef TEMPLATE_VALUE_H
#define TEMPLATE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

typedef enum {
    VALUE_FAILED, /* no value: the thread's error is set */
    VALUE_UNDEFINED,
    VALUE_NONE,
    VALUE_BOOLEAN,
    VALUE_INTEGER,
    VALUE_REAL,
    VALUE_STRING,
    VALUE_LIST,
    VALUE_TUPLE,
    VALUE_DICT,
    VALUE_VIEW, /* dict.keys(), .values(), .items() */
    VALUE_RANGE,
    VALUE_ITERATOR, /* what map, select, items, … give: can be walked once */
    VALUE_NAMESPACE,
    VALUE_LOOP,
    VALUE_MACRO,
    VALUE_FUNCTION, /* a global such as raise_exception */
    VALUE_METHOD,   /* a function bound to the value it was taken from */
    VALUE_CYCLER,
    VALUE_JOINER,
} value_kind;

typedef struct value value;
typedef struct iterator iterator;
typedef struct loop loop;
typedef struct macro macro;
typedef struct render render;

/* Bytes may be shared with other strings or with the JSON text. The end of a shared buffer grows in place, so that
   building a text by appending to a variable takes linear time. */
typedef struct {
    const char *bytes;
    size_t length;
    size_t characters; /* code points; counted when first asked for */
    struct string_buffer *buffer;
    bool counted, markup; /* markup: made by `safe` or `escape` */
} string;

typedef struct {
    value *items;
    size_t count, capacity;
    int depth;     /* of nesting: bounded, so that whatever walks values may recurse */
    size_t weight; /* values in it at all depths, counted as often as they stand in it: what a walk costs */
    bool group;    /* a tuple made by groupby: has .grouper and .list */
} list;

typedef struct {
    int64_t start, stop, step, count;
} range;

typedef struct undefined undefined;

struct value {
    value_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        string *string;
        list *list;
        struct dict *dict; /* also of a namespace */
        struct view *view;
        range *range;
        undefined *undefined;
        iterator *iterator;
        loop *loop;
        macro *macro;
        const struct builtin *function;
        struct method *method;
        struct cycler *cycler;
    };
};

/* An insertion-ordered hash table. Small ones are searched without slots. */
typedef struct dict {
    struct dict_entry *entries;
    uint32_t *slots; /* entry number + 1, or 0 */
    size_t count, capacity, slot_count, weight;
    int depth;
} dict;

typedef struct dict_entry {
    value key, value;
    uint64_t hash;
} dict_entry;

typedef struct view {
    dict *dict;
    enum { VIEW_KEYS, VIEW_VALUES, VIEW_ITEMS } part;
} view;

typedef struct cycler {
    list *items; /* of a joiner: the separator */
    size_t position;
} cycler;

/* Why there is no value: a hint, or an object's type and the name that it lacks, or (no type) the name of a variable.
 */
struct undefined {
    const char *hint, *type;
    value name;
    bool unsafe; /* the sandbox refuses the attribute */
};

typedef struct method {
    value self;
    const struct builtin *function;
} method;

#define FAILED    ((value){.kind = VALUE_FAILED})
#define NONE      ((value){.kind = VALUE_NONE})
#define failed(v) ((v).kind == VALUE_FAILED)

static inline value boolean_value(bool b) {
    return (value){.kind = VALUE_BOOLEAN, .boolean = b};
}
static inline value integer_value(int64_t n) {
    return (value){.kind = VALUE_INTEGER, .integer = n};
}
static inline value real_value(double x) {
    return (value){.kind = VALUE_REAL, .real = x};
}
static inline value string_value(string *s) {
    return s ? (value){.kind = VALUE_STRING, .string = s} : FAILED;
}
static inline value list_value(list *l) {
    return l ? (value){.kind = VALUE_LIST, .list = l} : FAILED;
}
static inline value tuple_value(list *l) {
    return l ? (value){.kind = VALUE_TUPLE, .list = l} : FAILED;
}
static inline value dict_value(dict *d) {
    return d ? (value){.kind = VALUE_DICT, .dict = d} : FAILED;
}
static inline bool is_undefined(value v) {
    return v.kind == VALUE_UNDEFINED;
}
static inline bool is_string(value v) {
    return v.kind == VALUE_STRING;
}
static inline bool is_sequence(value v) {
    return v.kind == VALUE_LIST || v.kind == VALUE_TUPLE;
}
/* True for integers and booleans, which count as 0 and 1. */
static inline bool is_whole(value v) {
    return v.kind == VALUE_INTEGER || v.kind == VALUE_BOOLEAN;
}
static inline int64_t whole(value v) {
    return v.kind == VALUE_BOOLEAN ? v.boolean : v.integer;
}
static inline bool is_number(value v) {
    return is_whole(v) || v.kind == VALUE_REAL;
}
static inline double number(value v) {
    return v.kind == VALUE_REAL ? v.real : (double)whole(v);
}

/* Strings. The bytes of string_share stay the caller's; string_copy copies them. All are NULL without memory. */
string *string_share(arena *memory, const char *bytes, size_t length);
string *string_copy(arena *memory, const char *bytes, size_t length);
string *string_join_two(arena *memory, string *a, string *b);
string *string_slice_bytes(arena *memory, const string *s, size_t begin, size_t end);
size_t string_characters(string *s);
bool string_equal(const string *a, const string *b);
bool string_is(const string *s, const char *text);
/* The byte where code point `index` begins (0 <= index <= characters). */
size_t string_offset(string *s, size_t index);

list *list_new(arena *memory, size_t capacity);
bool list_push(arena *memory, list *l, value item);
list *list_pair(arena *memory, value a, value b);

/* Keys are hashed and compared as Python does (1 == 1.0 == True); dict_set replaces. It fails for keys that cannot be
   hashed; dict_find gives NULL for them. */
dict *dict_new(arena *memory);
bool dict_set(arena *memory, dict *d, value key, value item);
const dict_entry *dict_find(const dict *d, value key);

/* Python's bool(), ==, hash() and type name. */
bool is_truthy(value v);
bool value_equal(value a, value b);
bool value_hash(value v, uint64_t *hash); /* false: cannot be hashed; tuples of more than 256 values cannot */
size_t value_weight(value v);
const char *value_type_name(value v);

#endif
