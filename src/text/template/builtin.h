/* Filters, tests, global functions and methods: tables of named functions with Python-like signatures. */
#ifndef TEMPLATE_BUILTIN_H
#define TEMPLATE_BUILTIN_H

#include "template/token.h"
#include "template/value.h"

enum { MOST_PARAMETERS = 6 };

/* What a call was given: positional, then named arguments. */
typedef struct {
    value *items;
    size_t count;
    string **names;
    value *named;
    size_t named_count;
} arguments;

/* `self` is the filtered or tested value or the method's object, a[] the arguments by parameter; VALUE_FAILED where not
 * given. */
typedef value (*builtin_function)(render *r, value self, const arguments *given, const value *a);

typedef struct builtin {
    const char *name;
    const char
        *parameters; /* "old new count?": "?" may be missing, "-x" is positional only; "*": anything, in `given` */
    builtin_function call; /* NULL: known to Jinja or Python, not supported here */
} builtin;

typedef enum {
    BUILTIN_FILTERS,
    BUILTIN_TESTS,
    BUILTIN_GLOBALS,
    BUILTIN_STRING_METHODS,
    BUILTIN_LIST_METHODS,
    BUILTIN_TUPLE_METHODS,
    BUILTIN_DICT_METHODS,
    BUILTIN_DICT_CLASS,
    BUILTIN_NUMBER_METHODS,
    BUILTIN_LOOP_METHODS,
    BUILTIN_CYCLER_METHODS,
    BUILTIN_KINDS
} builtin_kind;

/* NULL if there is none of that name, or none that is supported. */
const builtin *builtin_find(builtin_kind kind, const char *name, size_t length);
/* Also finds those that are not supported (call NULL). */
const builtin *builtin_known(builtin_kind kind, const char *name, size_t length);
struct node;
/* Sets the error "No filter named …" (or test, or "not supported"). */
void builtin_missing(const char *template_name, const token *at, const struct node *n);

/* The tables, each ended by a NULL name. */
extern const builtin filters_text[], filters_sequence[], filters_select[], filters_number[], tests_kind[],
    tests_compare[], globals_all[];
extern const builtin methods_text[], methods_text_case[], methods_list[], methods_tuple[], methods_dict[],
    methods_dict_class[], methods_number[], methods_loop[], methods_cycler[];

#endif
