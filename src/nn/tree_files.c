/* Trees in safetensors files. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"
#include "nn/tree.h"
#include "tarn/io.h"

/* ---- saving */

typedef struct {
    VECTOR(tarn_named_array) arrays;
} list;

static bool add_leaf(void *context, const tarn_leaf *leaf) {
    list *l = context;
    char *name = memory_copy(leaf->path, strlen(leaf->path) + 1);
    if (name && vector_push(&l->arrays, ((tarn_named_array){name, *leaf->array}))) return true;
    memory_free(name);
    return false;
}

bool tarn_tree_save(tarn_tree tree, const char *path) {
    list l = {0};
    bool ok = tarn_tree_visit(tree, add_leaf, &l) &&
              tarn_save_safetensors(path, l.arrays.items, (int64_t)l.arrays.count, .metadata_count = 0);
    for (size_t i = 0; i < l.arrays.count; i++) memory_free((void *)(uintptr_t)l.arrays.items[i].name);
    vector_free(&l.arrays);
    return ok;
}

/* ---- loading: first everything is checked, then nothing can go wrong */

typedef struct {
    const char *path;
    const tarn_tensors *tensors;
    bool lax;
    int64_t found;
} loading;

static void add_shape(text *t, const tarn_array *a) {
    tarn_ints shape = tarn_shape_of(a);
    text_add_char(t, '[');
    for (int64_t i = 0; i < shape.count; i++) text_format(t, "%s%lld", i ? ", " : "", (long long)shape.values[i]);
    text_add_char(t, ']');
}

static bool same_shape(const tarn_array *a, const tarn_array *b) {
    tarn_ints x = tarn_shape_of(a), y = tarn_shape_of(b);
    bool same = x.count == y.count;
    for (int64_t i = 0; same && i < x.count; i++) same = x.values[i] == y.values[i];
    return same;
}

static bool check_leaf(void *context, const tarn_leaf *leaf) {
    loading *l = context;
    const tarn_array *a = tarn_tensors_get(l->tensors, leaf->path);
    if (!a) return tarn_ok() && (l->lax || tarn_fail("%s: \"%s\" is missing", l->path, leaf->path));
    l->found++;
    if (same_shape(a, *leaf->array)) return true;
    text has = {0}, wants = {0};
    add_shape(&has, a);
    add_shape(&wants, *leaf->array);
    tarn_fail("%s: \"%s\" is %s; expected is %s", l->path, leaf->path, text_string(&has), text_string(&wants));
    text_free(&has);
    text_free(&wants);
    return false;
}

typedef struct {
    const char *path;
    bool found;
} search;

static bool is_path(void *context, const tarn_leaf *leaf) {
    search *s = context;
    return !(s->found = !strcmp(s->path, leaf->path));
}

/* The first name in the file that the tree does not have. */
static bool fail_left_over(const loading *l, tarn_tree tree) {
    for (int64_t i = 0; i < tarn_tensors_count(l->tensors); i++) {
        search s = {tarn_tensors_name(l->tensors, i), false};
        tarn_tree_visit(tree, is_path, &s);
        if (!s.found) return tarn_fail("%s: there is no parameter \"%s\"", l->path, s.path);
    }
    return true;
}

static bool take_leaf(void *context, const tarn_leaf *leaf) {
    const loading *l = context;
    tarn_array *a = tarn_tensors_get(l->tensors, leaf->path);
    return !a || tarn_assign(leaf->array, a);
}

bool tarn_tree_load_with(tarn_tree tree, const char *path, tarn_tree_load_options options) {
    tarn_tensors *tensors = tarn_load_safetensors(path);
    if (!tensors) return false;
    loading l = {path, tensors, options.lax, 0};
    bool ok = tarn_tree_visit(tree, check_leaf, &l) &&
              (options.lax || l.found == tarn_tensors_count(tensors) || fail_left_over(&l, tree)) &&
              tarn_tree_visit(tree, take_leaf, &l);
    tarn_tensors_free(tensors);
    return ok;
}
