#include "tokenizer/vocabulary.h"

#include <string.h>

#include "base/memory.h"

bool vocabulary_init(vocabulary *v) {
    *v = (vocabulary){.ids = map_new()};
    return v->ids != NULL;
}

/* Ids may come in any order; the gaps between them are no tokens. */
static bool reach(vocabulary *v, size_t id) {
    if (id < v->tokens.count) return true;
    if (!vector_reserve(&v->tokens, id + 1 - v->tokens.count)) return false;
    memset(v->tokens.items + v->tokens.count, 0, (id + 1 - v->tokens.count) * sizeof(vocabulary_entry));
    v->tokens.count = id + 1;
    return true;
}

bool vocabulary_add(vocabulary *v, const char *bytes, size_t length, int32_t id) {
    if (vocabulary_token(v, id) || map_get(v->ids, bytes, length, NULL)) return false;
    if (!reach(v, (size_t)id) || !map_set(v->ids, bytes, length, (uint64_t)id, NULL)) return false;
    char *copy = memory_new(length + 1, 1);
    if (!copy) return map_remove(v->ids, bytes, length), false;
    memcpy(copy, bytes, length);
    v->tokens.items[id] = (vocabulary_entry){.bytes = copy, .length = length};
    v->count++;
    return true;
}

int32_t vocabulary_id(const vocabulary *v, const char *bytes, size_t length) {
    uint64_t id;
    return map_get(v->ids, bytes, length, &id) ? (int32_t)id : NO_TOKEN;
}

int32_t vocabulary_model_id(const vocabulary *v, const char *bytes, size_t length) {
    int32_t id = vocabulary_id(v, bytes, length);
    return id != NO_TOKEN && v->tokens.items[id].outside_model ? NO_TOKEN : id;
}

const vocabulary_entry *vocabulary_token(const vocabulary *v, int32_t id) {
    if (id < 0 || (size_t)id >= v->tokens.count || !v->tokens.items[id].bytes) return NULL;
    return &v->tokens.items[id];
}

void vocabulary_free(vocabulary *v) {
    for (size_t i = 0; i < v->tokens.count; i++) {
        memory_free(v->tokens.items[i].bytes);
        memory_free(v->tokens.items[i].decoded);
    }
    vector_free(&v->tokens);
    map_free(v->ids);
    v->ids = NULL;
}
