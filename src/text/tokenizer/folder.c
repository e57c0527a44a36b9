/* Tokenizers of folders without a tokenizer.json: tekken.json, or vocab.json and merges.txt, from which the
   tokenizer.json is put together that transformers' class stands for. What other files a folder may have instead is
   named, with what would serve. */
#include <string.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/model_folder.h"
#include "base/require.h"
#include "tarn/error.h"
#include "tokenizer/tokenizer.h"

enum { LIST_LIMIT = 1 << 28 };

#define QWEN                                                                                                           \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}| "                                  \
    "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*"                                                                   \
    "[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"

/* What a class does around its model, with %s for add_prefix_space, and the tokens it has unless the configuration says
 * otherwise. */
static const struct {
    const char *name, *normalizer, *pre_tokenizer, *tokens;
} classes[] = {
    {"GPT2Tokenizer", "null", "{\"type\":\"ByteLevel\",\"add_prefix_space\":%s,\"use_regex\":true}",
     "{\"bos_token\":\"<|endoftext|>\",\"eos_token\":\"<|endoftext|>\",\"unk_token\":\"<|endoftext|>\"}"},
    {"Qwen2Tokenizer", "{\"type\":\"NFC\"}",
     "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" QWEN
     "\"},\"behavior\":\"Isolated\",\"invert\":false},"
     "{\"type\":\"ByteLevel\",\"add_prefix_space\":%s,\"use_regex\":false}]}",
     "{\"eos_token\":\"<|endoftext|>\",\"unk_token\":\"<|endoftext|>\",\"pad_token\":\"<|endoftext|>\"}"},
};
enum { CLASSES = sizeof classes / sizeof *classes };

static bool has_file(const char *folder, const char *name) {
    char *path = path_join(folder, name);
    bool found = path && file_exists(path);
    memory_free(path);
    return found;
}

static bool has_lists(const char *folder) {
    return has_file(folder, "vocab.json") && has_file(folder, "merges.txt");
}

bool tarn_tokenizer_found(const char *folder) {
    if (!folder) return false;
    return has_file(folder, "tokenizer.json") || has_file(folder, "tekken.json") || has_lists(folder);
}

/* ---- vocab.json and merges.txt */

/* "GPT2Tokenizer" and "GPT2TokenizerFast" are one. */
static int find_class(const char *name) {
    for (int i = 0; i < CLASSES; i++) {
        size_t length = strlen(classes[i].name);
        if (strncmp(name, classes[i].name, length) == 0 && (!name[length] || strcmp(name + length, "Fast") == 0))
            return i;
    }
    return -1;
}

/* Lines of two halves; the first may tell a version. */
static bool add_merges(text *t, const char *lines, size_t length) {
    bool first = true;
    for (size_t at = 0, size; at < length; at += size + 1) {
        const char *end = memchr(lines + at, '\n', length - at);
        size = end ? (size_t)(end - lines) - at : length - at;
        size_t used = size && lines[at + size - 1] == '\r' ? size - 1 : size;
        if (!used || (used >= 8 && memcmp(lines + at, "#version", 8) == 0)) continue;
        if (!text_add(t, first ? "" : ",") || !json_write_string(t, lines + at, used, false)) return false;
        first = false;
    }
    return true;
}

static char *read_list(const char *folder, const char *name, size_t *length) {
    char *path = path_join(folder, name), *bytes = path ? file_read(path, LIST_LIMIT, length) : NULL;
    memory_free(path);
    return bytes;
}

static bool write_description(text *t, int class, bool add_prefix_space, const char *vocab, const char *merges,
                              size_t merges_length) {
    text_format(t, "{\"normalizer\":%s,\"pre_tokenizer\":", classes[class].normalizer);
    const char *format = classes[class].pre_tokenizer, *hole = strstr(format, "%s");
    text_append(t, format, (size_t)(hole - format));
    text_add(t, add_prefix_space ? "true" : "false");
    text_add(t, hole + 2);
    text_add(t, ",\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"vocab\":");
    text_add(t, vocab);
    text_add(t, ",\"merges\":[");
    return add_merges(t, merges, merges_length) && text_add(t, "]}}");
}

static tarn_tokenizer *build(const char *folder, int class, bool add_prefix_space) {
    size_t vocab_length = 0, merges_length = 0;
    char *vocab = read_list(folder, "vocab.json", &vocab_length),
         *merges = vocab ? read_list(folder, "merges.txt", &merges_length) : NULL;
    text description = {0}, name = {0};
    tarn_tokenizer *t = NULL;
    if (merges && write_description(&description, class, add_prefix_space, vocab, merges, merges_length) &&
        text_format(&name, "%s: vocab.json and merges.txt", folder))
        t = tarn_tokenizer_from_json(text_string(&description), description.length, text_string(&name));
    text_free(&description);
    text_free(&name);
    memory_free(vocab);
    memory_free(merges);
    return t;
}

static tarn_tokenizer *read_lists(const char *folder, const part *config, const char **tokens) {
    const char *name;
    size_t length;
    bool add_prefix_space;
    if (!part_optional_string(config, "tokenizer_class", &name, &length) ||
        !part_boolean(config, "add_prefix_space", false, &add_prefix_space))
        return NULL;
    int class = name ? find_class(name) : -1;
    if (class >= 0) return *tokens = classes[class].tokens, build(folder, class, add_prefix_space);
    tarn_fail("%s: there is no tokenizer.json, and vocab.json with merges.txt does for GPT2Tokenizer and "
              "Qwen2Tokenizer only; "
              "tokenizer_config.json "
              "names %s. transformers' save_pretrained writes a tokenizer.json",
              folder, name ? name : "no tokenizer_class");
    return NULL;
}

/* ---- tekken.json */

static tarn_tokenizer *read_tekken(const char *folder, const char **tokens) {
    *tokens = "{\"bos_token\":\"<s>\",\"eos_token\":\"</s>\",\"pad_token\":\"<pad>\",\"unk_token\":\"<unk>\"}";
    char *path = path_join(folder, "tekken.json");
    tarn_tokenizer *t = path ? tokenizer_from_tekken(path) : NULL;
    memory_free(path);
    return t;
}

/* ---- folders */

static void fail_without(const char *folder) {
    if (has_file(folder, "tokenizer.model"))
        tarn_fail("%s: there is no tokenizer.json, and tokenizer.model (SentencePiece) is not supported; transformers' "
                  "AutoTokenizer.from_pretrained and save_pretrained make a tokenizer.json of it",
                  folder);
    else
        model_folder_lacks(folder, "tokenizer.json");
}

/* `tokens`: those with roles, unless the configuration says otherwise. */
static tarn_tokenizer *read_folder(const char *folder, const part *config, const char **tokens) {
    if (has_file(folder, "tekken.json")) return read_tekken(folder, tokens);
    if (has_lists(folder)) return read_lists(folder, config, tokens);
    return fail_without(folder), NULL;
}

tarn_tokenizer *tokenizer_from_folder(const char *folder, const part *config, const part *map) {
    const char *names = NULL;
    tarn_tokenizer *t = read_folder(folder, config, &names);
    json *tokens = t ? json_parse(names, strlen(names), "tokens of the class") : NULL;
    part defaults = {.name = "tokens of the class", .value = tokens}, nothing = {0};
    if (t && tokens && tokenizer_read_config(t, config, map) && tokenizer_read_config(t, &defaults, &nothing)) {
        json_free(tokens);
        return t;
    }
    json_free(tokens);
    tarn_tokenizer_free(t);
    return NULL;
}
