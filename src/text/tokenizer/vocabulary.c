#include "tokenizer/vocabulary.h"

#include <string.h>

#include "base/memory.h"
#include "base/words.h"
#include "tarn/error.h"

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 32;
}

/* Eight bytes at a time, the last eight of them once more: tokens are short. */
uint32_t vocabulary_hash(const char *bytes, size_t length) {
    uint64_t hash = length, word = 0;
    for (size_t i = 0; i + 8 < length; i += 8) hash = mix(hash, word_at(bytes + i));
    if (length >= 8)
        word = word_at(bytes + length - 8);
    else
        for (size_t i = 0; i < length; i++) word = word << 8 | (unsigned char)bytes[i];
    return (uint32_t)(mix(hash, word) * UINT64_C(0xD6E8FEB86659FD93) >> 32);
}

/* Puts an id where a later look-up finds it first; the token is known not to be there. */
static void insert(vocabulary *v, vocabulary_slot new) {
    size_t i = new.hash &(v->capacity - 1);
    while (v->slots[i].id != NO_TOKEN) i = (i + 1) & (v->capacity - 1);
    v->slots[i] = new;
}

/* At most half of the table is in use. */
static bool grow(vocabulary *v, size_t count) {
    vocabulary_slot *old = v->slots;
    size_t old_capacity = v->capacity, capacity = 16;
    while (capacity < 2 * count) capacity *= 2;
    if (capacity <= old_capacity) return true;
    vocabulary_slot *slots = memory_new_aligned(capacity * sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < capacity; i++) slots[i].id = NO_TOKEN;
    v->slots = slots;
    v->capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].id != NO_TOKEN) insert(v, old[i]);
    memory_free_aligned(old);
    return true;
}

bool vocabulary_reserve(vocabulary *v, size_t count) {
    if (count > TOKEN_LIMIT) count = TOKEN_LIMIT;
    return grow(v, count) && (v->tokens.count >= count || vector_reserve(&v->tokens, count - v->tokens.count));
}

/* Ids may come in any order; the gaps between them are no tokens. */
static bool reach(vocabulary *v, size_t id) {
    if (id < v->tokens.count) return true;
    if (!vector_reserve(&v->tokens, id + 1 - v->tokens.count)) return false;
    memset(v->tokens.items + v->tokens.count, 0, (id + 1 - v->tokens.count) * sizeof(vocabulary_entry));
    v->tokens.count = id + 1;
    return true;
}

/* A copy behind its length, ended by a NUL. */
static const char *keep_bytes(vocabulary *v, const char *bytes, size_t length) {
    uint32_t size = (uint32_t)length;
    char *room = arena_take(&v->bytes, sizeof size + length + 1);
    if (!room) return NULL;
    memcpy(room, &size, sizeof size);
    memcpy(room + sizeof size, bytes, length);
    return room + sizeof size;
}

static bool is_token(const char *token, const char *bytes, size_t length) {
    uint32_t size;
    memcpy(&size, token - sizeof size, sizeof size);
    return size == length && memcmp(token, bytes, length) == 0;
}

void vocabulary_fetch_slot(const vocabulary *v, uint32_t hash) {
    if (v->capacity) __builtin_prefetch(&v->slots[hash & (v->capacity - 1)]);
}

void vocabulary_fetch_bytes(const vocabulary *v, uint32_t hash) {
    const vocabulary_slot *slot = v->capacity ? &v->slots[hash & (v->capacity - 1)] : NULL;
    if (slot && slot->id != NO_TOKEN) __builtin_prefetch(slot->bytes);
}

int32_t vocabulary_find(const vocabulary *v, uint32_t hash, const char *bytes, size_t length) {
    if (!v->capacity) return NO_TOKEN;
    for (size_t i = hash & (v->capacity - 1); v->slots[i].id != NO_TOKEN; i = (i + 1) & (v->capacity - 1))
        if (v->slots[i].hash == hash && is_token(v->slots[i].bytes, bytes, length)) return v->slots[i].id;
    return NO_TOKEN;
}

bool vocabulary_add(vocabulary *v, const char *bytes, size_t length, int32_t id) {
    return vocabulary_add_hashed(v, vocabulary_hash(bytes, length), bytes, length, id);
}

bool vocabulary_add_hashed(vocabulary *v, uint32_t hash, const char *bytes, size_t length, int32_t id) {
    if (length > UINT32_MAX) return tarn_fail("tokenizer: a token of %zu bytes is too long", length);
    if (vocabulary_token(v, id) || vocabulary_find(v, hash, bytes, length) != NO_TOKEN) return false;
    if (!grow(v, v->count + 1) || !reach(v, (size_t)id)) return false;
    const char *copy = keep_bytes(v, bytes, length);
    if (!copy) return false;
    v->tokens.items[id] = (vocabulary_entry){.bytes = copy, .length = (uint32_t)length};
    insert(v, (vocabulary_slot){hash, id, copy});
    v->count++;
    return true;
}

bool vocabulary_set_decoded(vocabulary *v, int32_t id, const char *bytes, size_t length) {
    token_text *decoded = ARENA_NEW(&v->bytes, token_text);
    if (!decoded) return false;
    *decoded = (token_text){keep_bytes(v, bytes, length), length};
    v->tokens.items[id].decoded = decoded->bytes ? decoded : NULL;
    return decoded->bytes != NULL;
}

int32_t vocabulary_id(const vocabulary *v, const char *bytes, size_t length) {
    return vocabulary_find(v, vocabulary_hash(bytes, length), bytes, length);
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
    vector_free(&v->tokens);
    memory_free_aligned(v->slots);
    arena_free(&v->bytes);
}
