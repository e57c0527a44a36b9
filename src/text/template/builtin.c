/* Finding filters, tests, globals and methods by name. */
#include "template/builtin.h"

#include <string.h>

#include "template/node.h"
#include "tarn/error.h"

static const builtin *const tables[BUILTIN_KINDS][4] = {
    [BUILTIN_FILTERS] = {filters_text, filters_sequence, filters_select, filters_number},
    [BUILTIN_TESTS] = {tests_kind, tests_compare},
    [BUILTIN_GLOBALS] = {globals_all},
    [BUILTIN_STRING_METHODS] = {methods_text, methods_text_case},
    [BUILTIN_LIST_METHODS] = {methods_list},
    [BUILTIN_TUPLE_METHODS] = {methods_tuple},
    [BUILTIN_DICT_METHODS] = {methods_dict},
    [BUILTIN_DICT_CLASS] = {methods_dict_class},
    [BUILTIN_NUMBER_METHODS] = {methods_number},
    [BUILTIN_LOOP_METHODS] = {methods_loop},
    [BUILTIN_CYCLER_METHODS] = {methods_cycler},
};

const builtin *builtin_known(builtin_kind kind, const char *name, size_t length) {
    for (size_t i = 0; i < 4 && tables[kind][i]; i++)
        for (const builtin *b = tables[kind][i]; b->name; b++)
            if (strlen(b->name) == length && memcmp(b->name, name, length) == 0) return b;
    return NULL;
}

const builtin *builtin_find(builtin_kind kind, const char *name, size_t length) {
    const builtin *b = builtin_known(kind, name, length);
    return b && b->call ? b : NULL;
}

void builtin_missing(const char *template_name, const token *at, const struct node *n) {
    bool filter = n->kind == NODE_FILTER;
    const char *kind = filter ? "filter" : "test";
    int length = n->attribute->length > 100 ? 100 : (int)n->attribute->length;
    bool known =
        builtin_known(filter ? BUILTIN_FILTERS : BUILTIN_TESTS, n->attribute->bytes, n->attribute->length) != NULL;
    tarn_fail(known ? "%s:%u:%u: the %s '%.*s' is not supported" : "%s:%u:%u: No %s named '%.*s'.", template_name,
              at->line, at->column, kind, length, n->attribute->bytes);
}
