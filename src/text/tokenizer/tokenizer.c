/* Loading, freeing and asking a tokenizer. Encoding is in encode.c, decoding in decode.c, tokenizer_config.json in
 * config.c. */
#include "tokenizer/tokenizer.h"

#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/require.h"

enum { FILE_LIMIT = 1 << 29 };

/* Ids that the post-processor puts in must be tokens. */
static bool check_ids(const tarn_tokenizer *t, const token_ids *ids, const part *p) {
    for (size_t i = 0; i < ids->count; i++)
        if (!vocabulary_token(&t->tokens, ids->items[i]))
            return part_fail(p, "adds the id %d, which is no token", (int)ids->items[i]);
    return true;
}

/* Truncation and padding are the caller's choice here, as they are in transformers, which overrides what the file says
   at each call; so both members may hold anything. */
static bool tokenizer_read(tarn_tokenizer *t, const json *root, const char *name, json_reader *vocab,
                           json_reader *merges) {
    part file = {.name = name, .value = root};
    if (!part_known(&file,
                    "version truncation padding added_tokens normalizer pre_tokenizer post_processor decoder model"))
        return false;
    part model = part_member(&file, "model"), added = part_member(&file, "added_tokens"),
         normal = part_member(&file, "normalizer");
    part cut = part_member(&file, "pre_tokenizer"), post = part_member(&file, "post_processor"),
         decode = part_member(&file, "decoder");
    return normalizer_read(&t->normalizer, &normal) && pretokenizer_read(&t->pretokenizer, &cut) &&
           postprocessor_read(&t->postprocessor, &post) && decoder_read(&t->decoder, &decode) &&
           bpe_read(&t->model, &t->tokens, &model, vocab, merges) &&
           added_read(&t->added, &t->tokens, &t->normalizer, &added) && check_ids(t, &t->postprocessor.before, &post) &&
           check_ids(t, &t->postprocessor.after, &post);
}

tarn_tokenizer *tarn_tokenizer_from_json(const char *bytes, size_t length, const char *name) {
    if (!REQUIRE(bytes) || !REQUIRE(name)) return NULL;
    static const char *const large[] = {"model.vocab", "model.merges"};
    json_reader readers[2];
    json *root = json_parse_around(bytes, length, name, large, readers, 2);
    tarn_tokenizer *t = root ? NEW(tarn_tokenizer) : NULL;
    if (t && !tokenizer_read(t, root, name, &readers[0], &readers[1])) {
        tarn_tokenizer_free(t);
        t = NULL;
    }
    for (int i = 0; i < 2; i++) json_reader_free(&readers[i]);
    json_free(root);
    return t;
}

static tarn_tokenizer *read_file(const char *path) {
    size_t length;
    char *bytes = file_read(path, FILE_LIMIT, &length);
    tarn_tokenizer *t = bytes ? tarn_tokenizer_from_json(bytes, length, path) : NULL;
    memory_free(bytes);
    return t;
}

bool tarn_tokenizer_configure(tarn_tokenizer *t, const char *bytes, size_t length, const char *name) {
    if (!REQUIRE(t) || !REQUIRE(bytes) || !REQUIRE(name)) return false;
    json *root = json_parse(bytes, length, name);
    part config = {.name = name, .value = root}, map = {0};
    bool ok = root && tokenizer_read_config(t, &config, &map);
    json_free(root);
    return ok;
}

/* Parses a file that may be missing into *file, whose name is its path. */
static bool parse_file(part *file, const char *folder, const char *name) {
    char *path = path_join(folder, name);
    *file = (part){.name = path};
    return path && (!file_exists(path) || (file->value = json_read_file(path, FILE_LIMIT)));
}

static void free_file(part *file) {
    json_free((json *)(uintptr_t)file->value);
    memory_free((void *)(uintptr_t)file->name);
}

static tarn_tokenizer *load(const char *folder, const part *config, const part *map) {
    char *path = path_join(folder, "tokenizer.json");
    bool there = path && file_exists(path);
    tarn_tokenizer *t = there ? read_file(path) : path ? tokenizer_from_folder(folder, config, map) : NULL;
    memory_free(path);
    if (!t || (tokenizer_read_config(t, config, map) && tokenizer_read_template_files(t, folder))) return t;
    tarn_tokenizer_free(t);
    return NULL;
}

tarn_tokenizer *tarn_tokenizer_load(const char *folder) {
    part config, map = {0};
    tarn_tokenizer *t = NULL;
    bool before = tarn_ok();
    if (!REQUIRE(folder)) return NULL;
    if (parse_file(&config, folder, "tokenizer_config.json") && parse_file(&map, folder, "special_tokens_map.json"))
        t = load(folder, &config, &map);
    free_file(&config);
    free_file(&map);
    if (!t && before) error_blame(TARN_ERROR_IO);
    return t;
}

void tarn_tokenizer_free(tarn_tokenizer *t) {
    if (!t) return;
    tokenizer_free_config(t);
    decoder_free(&t->decoder);
    postprocessor_free(&t->postprocessor);
    pretokenizer_free(&t->pretokenizer);
    added_free(&t->added);
    normalizer_free(&t->normalizer);
    bpe_free(&t->model);
    vocabulary_free(&t->tokens);
    memory_free(t);
}

size_t tarn_tokenizer_vocab_size(const tarn_tokenizer *t) {
    if (!REQUIRE_AS(t, "tokenizer")) return 0;
    return t->tokens.count;
}

int32_t tarn_tokenizer_id_limit(const tarn_tokenizer *t) {
    if (!REQUIRE_AS(t, "tokenizer")) return -1;
    return (int32_t)t->tokens.tokens.count;
}

int32_t tarn_tokenizer_token_id(const tarn_tokenizer *t, const char *token, size_t length) {
    if (!REQUIRE_AS(t, "tokenizer") || !REQUIRE(token)) return -1;
    return vocabulary_id(&t->tokens, token, length);
}

const char *tarn_tokenizer_token(const tarn_tokenizer *t, int32_t id, size_t *length) {
    if (!REQUIRE_AS(t, "tokenizer")) return NULL;
    const vocabulary_entry *found = vocabulary_token(&t->tokens, id);
    if (length) *length = found ? found->length : 0;
    return found ? found->bytes : NULL;
}

int tarn_tokenizer_token_flags(const tarn_tokenizer *t, int32_t id) {
    if (!REQUIRE_AS(t, "tokenizer")) return 0;
    const vocabulary_entry *found = vocabulary_token(&t->tokens, id);
    return found ? found->flags : 0;
}
