/* Trees: walking a struct by its fields, and what is done with all of its arrays. */
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "base/text.h"
#include "nn/nn.h"

/* A struct in the tree, the outermost with the path "". */
typedef bool (*layer_visitor)(void *context, const char *path, const tarn_fields *fields, void *layer);

/* ---- walking */

typedef struct {
    text path;
    layer_visitor layer;
    tarn_leaf_visitor leaf;
    void *context;
} walker;

static bool walk(walker *w, const tarn_fields *fields, void *object);

static void *member_of(void *object, const tarn_field *f) {
    return (char *)object + f->offset;
}

static bool walk_layer(walker *w, const tarn_fields *fields, void *object) {
    if (w->layer && !w->layer(w->context, text_string(&w->path), fields, object)) return false;
    return walk(w, fields, object);
}

static bool enter(walker *w, const char *name, int64_t index) {
    if (w->path.length && !text_add_char(&w->path, '.')) return false;
    return name ? text_add(&w->path, name) : text_format(&w->path, "%lld", (long long)index);
}

static void leave(walker *w, size_t length) {
    w->path.length = length;
    if (w->path.bytes) w->path.bytes[length] = 0;
}

static bool walk_several(walker *w, const tarn_field *f, void *object) {
    char *items = *(char **)member_of(object, f);
    int count = items ? *(int *)(void *)((char *)object + f->count_offset) : 0;
    size_t length = w->path.length;
    bool ok = true;
    for (int i = 0; i < count && ok; i++) {
        ok = enter(w, NULL, i) && walk_layer(w, f->fields, items + (size_t)i * f->fields->bytes);
        leave(w, length);
    }
    return ok;
}

static bool walk_array(walker *w, const tarn_field *f, tarn_array **array) {
    tarn_leaf leaf = {text_string(&w->path), array, f->state};
    return !*array || !w->leaf || w->leaf(w->context, &leaf);
}

static bool walk_field(walker *w, const tarn_field *f, void *object) {
    if (f->several) return walk_several(w, f, object);
    void *member = member_of(object, f);
    return f->fields ? walk_layer(w, f->fields, member) : walk_array(w, f, member);
}

static bool walk(walker *w, const tarn_fields *fields, void *object) {
    size_t length = w->path.length;
    for (int i = 0; i < fields->count; i++) {
        bool ok = enter(w, fields->items[i].name, 0) && walk_field(w, &fields->items[i], object);
        leave(w, length);
        if (!ok) return false;
    }
    return true;
}

static bool check_tree(tarn_tree tree) {
    return (tree.fields && tree.object) || tarn_fail("tree: %s is NULL", tree.fields ? "the struct" : "fields");
}

static bool walk_tree(tarn_tree tree, layer_visitor layer, tarn_leaf_visitor leaf, void *context) {
    if (!check_tree(tree)) return false;
    walker w = {.layer = layer, .leaf = leaf, .context = context};
    bool ok = walk_layer(&w, tree.fields, tree.object);
    text_free(&w.path);
    return ok;
}

bool tarn_tree_visit(tarn_tree tree, tarn_leaf_visitor visit, void *context) {
    return walk_tree(tree, NULL, visit, context);
}

static bool tree_visit_layers(tarn_tree tree, layer_visitor visit, void *context) {
    return walk_tree(tree, visit, NULL, context);
}

/* ---- holding */

bool tarn_assign(tarn_array **member, tarn_array *a) {
    if (!REQUIRE(member) || !a) return false;
    tarn_array *before = *member;
    *member = tarn_keep(a);
    tarn_drop(before);
    return true;
}

/* Without paths, for which there may be no memory. */
static void free_fields(const tarn_fields *fields, void *object) {
    for (int i = 0; i < fields->count; i++) {
        const tarn_field *f = &fields->items[i];
        void *member = member_of(object, f);
        if (!f->fields) tarn_drop(*(tarn_array **)member);
        if (f->fields && !f->several) free_fields(f->fields, member);
        if (!f->several) continue;
        char *items = *(char **)member;
        int count = items ? *(int *)(void *)((char *)object + f->count_offset) : 0;
        for (int k = 0; k < count; k++) free_fields(f->fields, items + (size_t)k * f->fields->bytes);
        free(items);
    }
    memset(object, 0, fields->bytes);
}

void tarn_tree_free(tarn_tree tree) {
    if (tree.fields && tree.object) free_fields(tree.fields, tree.object);
}

static bool is_float(tarn_dtype dtype) {
    return dtype == TARN_FLOAT16 || dtype == TARN_BFLOAT16 || dtype == TARN_FLOAT32 || dtype == TARN_FLOAT64;
}

static bool cast_leaf(void *context, const tarn_leaf *leaf) {
    TARN_SCOPE;
    tarn_dtype dtype = *(tarn_dtype *)context;
    return !is_float(tarn_dtype_of(*leaf->array)) || tarn_assign(leaf->array, tarn_astype(*leaf->array, dtype));
}

bool tarn_tree_cast(tarn_tree tree, tarn_dtype dtype) {
    if (!is_float(dtype)) return tarn_fail("tree: cast to %s, which is no float", tarn_dtype_name(dtype));
    return tarn_tree_visit(tree, cast_leaf, &dtype);
}

/* ---- quantizing */

static bool quantize_layer(void *context, const char *path, const tarn_fields *fields, void *layer) {
    const tarn_tree_quantize_options *o = context;
    const char *mode = o->mode;
    int64_t group_size = o->group_size, bits = o->bits;
    if (!fields->quantize) return true;
    if (o->choose && !o->choose(o->context, path, &mode, &group_size, &bits)) return tarn_ok();
    TARN_SCOPE;
    return fields->quantize(layer, mode, group_size, bits);
}

bool tarn_tree_quantize_with(tarn_tree tree, tarn_tree_quantize_options options) {
    return tree_visit_layers(tree, quantize_layer, &options);
}
