/* The tables: descriptions of attributes (equal, hash, print, copy), words, defaults, rules that rows promise. */
#include <math.h>

#include "base/map.h"
#include "base/memory.h"
#include "check.h"
#include "ops/build.h"
#include "ops/view.h"

static const char *printed(op_id op, const void *attributes) {
    static char line[512];
    text t = {0};
    CHECK(attributes_print(op, attributes, &t));
    snprintf(line, sizeof line, "%s", text_string(&t));
    text_free(&t);
    return line;
}

/* A copy is equal, hashes alike and holds lists of its own; another value in any attribute makes a difference. */
static void check_copies(void) {
    int64_t axes[] = {0, -1};
    attributes_reduce a = {.kind = REDUCE_MAX, .axes = {axes, 2}, .keepdims = true}, b = a;
    bool ok;
    attributes_reduce *copy = attributes_copy(OP_reduce, &a, &ok);
    CHECK(ok && copy && attributes_equal(OP_reduce, &a, copy));
    CHECK(attributes_hash(OP_reduce, &a, HASH_START) == attributes_hash(OP_reduce, copy, HASH_START));
    axes[1] = 1;
    CHECK(copy->axes.values[1] == -1 && !attributes_equal(OP_reduce, &a, copy));
    CHECK(attributes_hash(OP_reduce, &a, HASH_START) != attributes_hash(OP_reduce, copy, HASH_START));
    attributes_free(OP_reduce, copy);
    b.kind = REDUCE_MIN;
    CHECK(!attributes_equal(OP_reduce, &a, &b));
    b = a, b.axes = (tarn_ints){axes, 0}; /* over none is not over all */
    a.axes = (tarn_ints){NULL, 0};
    CHECK(!attributes_equal(OP_reduce, &a, &b));
    CHECK(!attributes_copy(OP_contiguous, NULL, &ok) && ok);
}

static void check_printing(void) {
    attributes_reduce a = {.kind = REDUCE_PROD, .axes = {(int64_t[]){0, -1}, 2}};
    CHECK(strcmp(printed(OP_reduce, &a), "kind=prod, axes=[0, -1], keepdims=false") == 0);
    a.axes = (tarn_ints){NULL, 0};
    CHECK(strcmp(printed(OP_reduce, &a), "kind=prod, axes=none, keepdims=false") == 0);
    CHECK(strcmp(printed(OP_astype, &(attributes_astype){.dtype = TARN_BFLOAT16}), "dtype=bfloat16") == 0);
}

/* What is printed for a NAME is found again. */
static void check_words(void) {
    for (int i = 0; i < names_reduce_kind.count; i++) {
        int place = -1;
        CHECK(name_find(&names_reduce_kind, names_reduce_kind.words[i], &place) && place == i);
    }
    int place;
    CHECK(!name_find(&names_reduce_kind, "median", &place));
    TARN_SCOPE;
    tarn_array *x = tarn_scalar(1, TARN_FLOAT32);
    CHECK_ERROR(BUILD(reduce, &(attributes_reduce){.kind = (reduce_kind)77}, x), "reduce: there is no reduce_kind 77");
}

static void check_defaults(void) {
    CHECK(attributes_rms_norm_default.eps == 1e-5);
    CHECK(attributes_rope_default.base == 10000 && attributes_rope_default.scale == 1 &&
          !attributes_rope_default.traditional);
    CHECK(attributes_scan_default.kind == REDUCE_SUM && attributes_scan_default.axis == -1);
    CHECK(attributes_reduce_default.axes.values == NULL && attributes_reduce_default.axes.count == 0);
    CHECK(attributes_arange_default.dtype == TARN_INT32 && attributes_arange_default.step == 1);
}

/* Rules that a kind of row promises. */
static void check_rules(void) {
    for (int op = 0; op < OP_COUNT; op++) {
        const op_rules *r = rules_of((op_id)op);
        bool view = op_has_flag((op_id)op, OP_VIEW), fused = op_facts[op].class == OP_CLASS_FUSED;
        if (!r->infer) check_failures++, fprintf(stderr, "%s has no shape rule\n", op_name((op_id)op));
        if (view && !r->layout) check_failures++, fprintf(stderr, "the view %s has no layout\n", op_name((op_id)op));
        if (!view && r->layout)
            check_failures++, fprintf(stderr, "%s has a layout and is no view\n", op_name((op_id)op));
        if ((fused || op_has_flag((op_id)op, OP_LIKE)) && !r->formula)
            check_failures++, fprintf(stderr, "%s has no formula\n", op_name((op_id)op));
    }
}

/* Which rows give an input back, by the text of their values; the evaluation then computes nothing. */
static void check_kept(void) {
    CHECK(op_facts[OP_conjugate].kept == (1u << KIND_BOOL | 1u << KIND_INT | 1u << KIND_FLOAT));
    CHECK(op_facts[OP_floor].kept == (1u << KIND_BOOL | 1u << KIND_INT) && op_facts[OP_negative].kept == 0 &&
          op_facts[OP_maximum].kept == 0);
    CHECK(op_facts[OP_where].inputs == INPUTS_CHOICE && op_facts[OP_add].inputs == INPUTS_ALIKE);
    TARN_SCOPE;
    tarn_array *x = tarn_from_data((int[]){3, -4}, TARN_SHAPE(2), TARN_INT32), *y = tarn_floor(x);
    CHECK(tarn_data(x) == tarn_data(y));
}

int main(void) {
    check_copies();
    check_printing();
    check_words();
    check_defaults();
    check_rules();
    check_kept();
    CHECK(table_hash(NULL, 0) != table_hash("a", 1));
    return check_report("table");
}
