/* Members in safetensors files: of trees, of optimizers, of trainers. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "nn/parameters.h"

/* ---- saving */

bool members_save(const tarn_parameters *p, const char *path, const tarn_pair *metadata, int64_t metadata_count) {
    tarn_named_array *arrays = NEW_ARRAY(tarn_named_array, p->members.count + 1);
    for (size_t i = 0; i < p->members.count && arrays; i++)
        arrays[i] = (tarn_named_array){p->members.items[i].path, *p->members.items[i].array};
    bool ok = arrays && tarn_save_safetensors(path, arrays, (int64_t)p->members.count, .metadata = metadata,
                                              .metadata_count = metadata_count);
    memory_free(arrays);
    return ok;
}

/* ---- loading: first everything is checked, then nothing can go wrong */

static bool fail_shape(const char *path, const member *m, const tarn_array *found) {
    text has = {0}, wants = {0};
    tarn_ints its = tarn_shape_of(found), ours = tarn_shape_of(*m->array);
    text_add_sizes(&has, its.values, its.count);
    text_add_sizes(&wants, ours.values, ours.count);
    tarn_fail("%s: \"%s\" is %s; expected is %s", path, m->path, text_string(&has), text_string(&wants));
    text_free(&has);
    text_free(&wants);
    return false;
}

static bool check_all(const tarn_parameters *p, const char *path, const tarn_tensors *tensors, bool lax,
                      int64_t *found) {
    for (size_t i = 0; i < p->members.count; i++) {
        const member *m = &p->members.items[i];
        const tarn_array *a = tarn_tensors_get(tensors, m->path);
        if (!a && (!tarn_ok() || !lax)) return tarn_ok() && tarn_fail("%s: \"%s\" is missing", path, m->path);
        if (a && !same_shape(a, *m->array)) return fail_shape(path, m, a);
        *found += a != NULL;
    }
    return true;
}

static bool has_member(const tarn_parameters *p, const char *name) {
    for (size_t i = 0; i < p->members.count; i++)
        if (!strcmp(p->members.items[i].path, name)) return true;
    return false;
}

/* The first name in the file that no member has. */
static bool fail_left_over(const tarn_parameters *p, const char *path, const tarn_tensors *tensors) {
    for (int64_t i = 0; i < tarn_tensors_count(tensors); i++) {
        const char *name = tarn_tensors_name(tensors, i);
        if (!has_member(p, name)) return tarn_fail("%s: there is no parameter \"%s\"", path, name);
    }
    return true;
}

bool members_load(const tarn_parameters *p, const char *path, bool lax) {
    tarn_tensors *tensors = tarn_load_safetensors(path);
    int64_t found = 0;
    bool ok = tensors && check_all(p, path, tensors, lax, &found) &&
              (lax || found == tarn_tensors_count(tensors) || fail_left_over(p, path, tensors));
    for (size_t i = 0; i < p->members.count && ok; i++) {
        tarn_array *a = tarn_tensors_get(tensors, p->members.items[i].path);
        ok = !a || tarn_assign(p->members.items[i].array, a);
    }
    tarn_tensors_free(tensors);
    return ok;
}

/* ---- trees */

static bool add_leaf(void *context, const tarn_leaf *leaf) {
    return members_add(context, "", leaf);
}

bool tarn_tree_save(tarn_tree tree, const char *path) {
    tarn_parameters all = {0};
    bool ok = tarn_tree_visit(tree, add_leaf, &all) && members_save(&all, path, NULL, 0);
    members_clear(&all);
    return ok;
}

bool tarn_tree_load_with(tarn_tree tree, const char *path, tarn_tree_load_options options) {
    tarn_parameters all = {0};
    bool ok = tarn_tree_visit(tree, add_leaf, &all) && members_load(&all, path, options.lax);
    members_clear(&all);
    return ok;
}
