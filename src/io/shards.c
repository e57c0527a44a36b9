/* Writing a model folder: cutting into shards, and the index that names them (layout of mlx-lm). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "base/vector.h"
#include "io/safetensors.h"
#include "tarn/error.h"

static const int64_t MLX_SHARD_BYTES = INT64_C(5) << 30;

typedef struct {
    const char *folder;
    const safetensors_content *content;
    size_t *cuts; /* shard i holds items cuts[i] .. cuts[i + 1] */
    size_t shards;
    int64_t total;
    file_writer **writers;
} plan;

/* ---- the cut */

static bool item_bytes(const plan *p, size_t i, int64_t *bytes) {
    const safetensors_item *item = &p->content->items[i];
    int64_t each;
    if (!safetensors_dtype_name(item->dtype, &each) || !checked_product(item->shape.values, item->shape.count, bytes) ||
        !checked_mul(*bytes, each, bytes))
        return tarn_fail("%s: tensor '%s': unknown dtype, or a shape that cannot be", p->folder, item->name);
    return true;
}

/* In the order given; an item larger than the limit has a shard of its own. */
static bool cut(plan *p, int64_t limit) {
    p->cuts = NEW_ARRAY(size_t, p->content->count + 2);
    if (!p->cuts) return false;
    int64_t size = 0;
    p->shards = 1;
    for (size_t i = 0; i < p->content->count; i++) {
        int64_t bytes = 0, together;
        if (!item_bytes(p, i, &bytes)) return false;
        if (!checked_add(p->total, bytes, &p->total)) return tarn_fail("%s: the tensors are too large", p->folder);
        if (!checked_add(size, bytes, &together) || (together > limit && i > p->cuts[p->shards - 1])) {
            p->cuts[p->shards++] = i;
            together = bytes;
        }
        size = together;
    }
    p->cuts[p->shards] = p->content->count;
    return true;
}

static char *shard_name(const plan *p, size_t i) {
    text t = {0};
    if (p->shards == 1)
        text_add(&t, "model.safetensors");
    else
        text_format(&t, "model-%05zu-of-%05zu.safetensors", i + 1, p->shards);
    return text_take(&t);
}

static bool is_ours(const plan *p, const char *name, bool *ours) {
    *ours = false;
    for (size_t i = 0; i < p->shards && !*ours; i++) {
        char *shard = shard_name(p, i);
        if (!shard) return false;
        *ours = !strcmp(shard, name);
        memory_free(shard);
    }
    return true;
}

/* Readers that take every model*.safetensors would load leftovers of another model together with this one. */
static bool refuse_leftovers(const plan *p) {
    safetensors_names names = {0};
    bool ok = safetensors_list_folder(p->folder, &names), ours;
    for (size_t i = 0; ok && i < names.count; i++) {
        ok = is_ours(p, names.items[i], &ours);
        if (ok && !ours)
            ok = tarn_fail_kind(TARN_ERROR_IO, "%s: holds '%s', which is no part of the model to be saved", p->folder,
                                names.items[i]);
    }
    safetensors_free_names(&names);
    return ok;
}

/* ---- the index */

typedef struct {
    const char *name;
    size_t shard;
} placed;

static int by_name(const void *a, const void *b) {
    return strcmp(((const placed *)a)->name, ((const placed *)b)->name);
}

static bool index_weights(const plan *p, text *t, const placed *sorted) {
    for (size_t i = 0; i < p->content->count; i++) {
        char *shard = shard_name(p, sorted[i].shard);
        text_add(t, i ? ",\n        " : "\n        ");
        bool ok = shard && json_write_string(t, sorted[i].name, strlen(sorted[i].name), true) &&
                  text_format(t, ": \"%s\"", shard);
        memory_free(shard);
        if (!ok) return false;
    }
    return true;
}

static bool index_text(const plan *p, int64_t parameters, text *t) {
    size_t count = p->content->count;
    placed *sorted = NEW_ARRAY(placed, count);
    if (!sorted) return false;
    for (size_t shard = 0; shard < p->shards; shard++)
        for (size_t i = p->cuts[shard]; i < p->cuts[shard + 1]; i++)
            sorted[i] = (placed){p->content->items[i].name, shard};
    if (count) qsort(sorted, count, sizeof *sorted, by_name);
    /* One file per tensor name: two shards with the same name cannot be told apart by the files' own checks. */
    bool ok = true;
    for (size_t i = 1; ok && i < count; i++)
        if (!strcmp(sorted[i].name, sorted[i - 1].name))
            ok = tarn_fail("%s: two tensors named '%s'", p->folder, sorted[i].name);
    text_format(t, "{\n    \"metadata\": {\n        \"total_size\": %" PRId64, p->total);
    if (parameters) text_format(t, ",\n        \"total_parameters\": %" PRId64, parameters);
    text_add(t, "\n    },\n    \"weight_map\": {");
    ok = ok && index_weights(p, t, sorted);
    memory_free(sorted);
    return ok && text_add(t, count ? "\n    }\n}" : "}\n}");
}

static file_writer *write_index(const plan *p, int64_t parameters) {
    text t = {0};
    char *path = path_join(p->folder, "model.safetensors.index.json");
    file_writer *writer = path && index_text(p, parameters, &t) ? file_create(path) : NULL;
    if (writer && !file_write(writer, t.bytes, t.length)) {
        file_abandon(writer);
        writer = NULL;
    }
    text_free(&t);
    memory_free(path);
    return writer;
}

/* ---- the shards */

typedef struct {
    const safetensors_content *content;
    size_t first;
} shifted;

static const void *shifted_data(void *context, size_t index) {
    const shifted *s = context;
    return s->content->data(s->content->context, s->first + index);
}

static bool write_shard(plan *p, size_t i) {
    shifted context = {p->content, p->cuts[i]};
    safetensors_content part = *p->content;
    part.items += p->cuts[i];
    part.count = p->cuts[i + 1] - p->cuts[i];
    part.data = shifted_data;
    part.context = &context;
    char *name = shard_name(p, i), *path = name ? path_join(p->folder, name) : NULL;
    p->writers[i] = path ? safetensors_write_uncommitted(path, &part) : NULL;
    memory_free(name);
    memory_free(path);
    return p->writers[i] != NULL;
}

static bool write_all(plan *p, int64_t parameters) {
    p->writers = NEW_ARRAY(file_writer *, p->shards + 1);
    bool ok = p->writers && (p->writers[p->shards] = write_index(p, parameters));
    for (size_t i = 0; ok && i < p->shards; i++) ok = write_shard(p, i);
    ok = ok && (!p->content->good || p->content->good(p->content->context));
    if (ok) return file_commit_all(p->writers, p->shards + 1);
    for (size_t i = 0; p->writers && i <= p->shards; i++) file_abandon(p->writers[i]);
    return false;
}

bool safetensors_write_folder(const char *folder, const safetensors_content *content, int64_t shard_bytes,
                              int64_t parameters) {
    plan p = {.folder = folder, .content = content};
    for (size_t i = 0; i < content->count; i++)
        if (!content->items[i].name) return tarn_fail("%s: tensor %zu has no name", folder, i);
    bool ok =
        cut(&p, shard_bytes > 0 ? shard_bytes : MLX_SHARD_BYTES) && refuse_leftovers(&p) && write_all(&p, parameters);
    memory_free(p.writers);
    memory_free(p.cuts);
    return ok;
}
