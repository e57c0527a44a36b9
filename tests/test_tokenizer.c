/* The tokenizer: models/tiny, small files made here, streams cut at every token, bad files and their messages, limits,
   threads, failing allocations. Agreement with Hugging Face's library over many texts is
   tests/python/test_tokenizer*.py. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tarn/tokenizer.h"
#include "paths.h"

static int failures;

#define CHECK(condition) check((condition), #condition, __LINE__)

static bool check(bool good, const char *what, int line) {
    if (good) return true;
    failures++;
    printf("line %d: %s (%s)\n", line, what, tarn_error() ? tarn_error() : "no error set");
    return false;
}

/* A tokenizer.json around the parts given; the vocabulary is a b ab \u0120 and four bytes. */
#define MODEL                                                                                                          \
    "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"\xC4\xA0\":3,\"<0xC3>\":4,\"<0xA9>\":5,\"<"     \
    "0xF0>\":6,\"?\":7},"                                                                                              \
    "\"merges\":[\"a b\"],\"byte_fallback\":true,\"unk_token\":\"?\"}"
#define SPLIT(pattern)                                                                                                 \
    "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" pattern "\"},\"behavior\":\"Isolated\"}"
#define ADDED(id, token) "{\"id\":" id ",\"content\":\"" token "\",\"special\":true}"

static tarn_tokenizer *make(const char *parts) {
    text t = {0};
    text_format(&t, "{%s%s" MODEL "}", parts, *parts ? "," : "");
    tarn_tokenizer *made = tarn_tokenizer_from_json(text_string(&t), t.length, "tokenizer.json");
    text_free(&t);
    return made;
}

static bool encodes_to(const tarn_tokenizer *t, const char *s, size_t length, const int32_t *expected,
                       size_t expected_count) {
    int32_t *ids = NULL;
    size_t count = 0;
    bool same = tarn_tokenizer_encode(t, s, length, &ids, &count, .add_special_tokens = true) &&
                count == expected_count && (count == 0 || memcmp(ids, expected, count * sizeof *ids) == 0);
    tarn_free(ids);
    return same;
}

#define IDS(...) (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)

/* Vocabulary and merges are read from the text: keys with NULs and escapes, merges as lists, members in any order, many
 * tokens. */
static void test_large_parts(void) {
    const char json[] = "{\"model\":{\"merges\":[[\"a\",\"\\u0000\"] , \"\\u00e9 a\"],\"vocab\" : "
                        "{\"\\u0000\":2,\"a\":0,\n\"a\\u0000\":3,\"\xC3\xA9\":1,"
                        "\"\xC3\xA9"
                        "a\":4}}}";
    tarn_tokenizer *t = tarn_tokenizer_from_json(json, sizeof json - 1, "nul.json");
    if (!CHECK(t != NULL)) return;
    CHECK(encodes_to(t,
                     "a\0\xC3\xA9"
                     "a\0",
                     6, IDS(3, 1, 3)));
    size_t length = 0;
    CHECK(!memcmp(tarn_tokenizer_token(t, 3, &length), "a\0", 3) && length == 2 &&
          tarn_tokenizer_token_id(t, "\0", 1) == 2);
    tarn_tokenizer_free(t);
    text big = {0};
    text_add(&big, "{\"model\":{\"vocab\":{");
    for (int i = 0; i < 5000; i++) text_format(&big, "%s\"t%d\":%d", i ? "," : "", i, 4999 - i);
    text_add(&big, "},\"merges\":[]}}");
    t = tarn_tokenizer_from_json(text_string(&big), big.length, "big.json");
    CHECK(t && tarn_tokenizer_vocab_size(t) == 5000 && tarn_tokenizer_token_id(t, "t17", 3) == 4982 &&
          tarn_tokenizer_token_id(t, "t5000", 5) == -1);
    tarn_tokenizer_free(t);
    text_free(&big);
}

/* The character of number i, every third written as an escape. */
static void add_letter(text *out, int i, bool spelled) {
    char encoded[4];
    if (spelled && i % 3 == 0)
        text_format(out, "\\u%04x", 0x400 + i);
    else
        text_append(out, encoded, utf8_encode((uint32_t)(0x400 + i), encoded));
}

/* "p" and each of so many letters become a token, the last merge first; `wrong` has another second half. */
static void write_pairs(text *json, int letters, int wrong) {
    text_add(json, "{\"model\":{\"vocab\":{\"p\":0");
    for (int i = 0; i < letters; i++) {
        text_add(json, ",\"");
        add_letter(json, i, true);
        text_format(json, "\":%d,\"p", 1 + i);
        add_letter(json, i, i % 2);
        text_format(json, "\":%d", 1000 + i);
    }
    text_add(json, "},\"merges\":[");
    for (int i = letters - 1; i >= 0; i--) {
        text_add(json, i % 2 ? "[\"p\",\"" : "\"p ");
        add_letter(json, letters - 1 - i == wrong ? letters : i, true);
        text_format(json, i % 2 ? "\"]%s" : "\"%s", i ? "," : "");
    }
    text_add(json, "]}}");
}

/* More tokens and merges than are looked up at a time, strings with escapes among others. */
static void test_batches(void) {
    enum { LETTERS = 150 };
    text json = {0}, word = {0};
    write_pairs(&json, LETTERS, -1);
    tarn_tokenizer *t = tarn_tokenizer_from_json(text_string(&json), json.length, "pairs.json");
    CHECK(t != NULL);
    for (int i = 0; t && i < LETTERS; i++) {
        text_clear(&word);
        text_add(&word, "p");
        add_letter(&word, i, false);
        CHECK(encodes_to(t, text_string(&word), word.length, IDS(1000 + i)));
    }
    tarn_tokenizer_free(t);
    for (int wrong = 0; wrong < LETTERS; wrong += 37) {
        char place[32];
        snprintf(place, sizeof place, "model.merges[%d]: ", wrong);
        text_clear(&json);
        write_pairs(&json, LETTERS, wrong);
        CHECK(!tarn_tokenizer_from_json(text_string(&json), json.length, "pairs.json") && strstr(tarn_error(), place));
        tarn_clear_error();
    }
    text_free(&json);
    text_free(&word);
}

static void test_tiny(void) {
    tarn_tokenizer *t = tarn_tokenizer_load(TARN_SOURCE_DIR "/models/tiny");
    if (!CHECK(t != NULL)) return;
    size_t length;
    CHECK(encodes_to(t, "Hello world<|eot_id|>!", 22, IDS(0, 1296, 481, 430, 4, 6)));
    char *back =
        tarn_tokenizer_decode(t, ((int32_t[]){0, 1296, 481, 430, 4, 6}), 6, &length, .skip_special_tokens = true);
    CHECK(back && strcmp(back, "Hello world!") == 0 && length == 12);
    tarn_free(back);
    CHECK(tarn_tokenizer_named_id(t, "eos_token") == 4 && tarn_tokenizer_named_id(t, "unk_token") == -1);
    CHECK(strcmp(tarn_tokenizer_named_token(t, "bos_token", &length), "<|begin_of_text|>") == 0 && length == 17);
    CHECK(tarn_tokenizer_chat_template(t, .length = &length) && length > 100 &&
          !tarn_tokenizer_chat_template(t, .name = "tool_use"));
    CHECK(tarn_tokenizer_vocab_size(t) == 1672 && tarn_tokenizer_id_limit(t) == 1672);
    CHECK(tarn_tokenizer_token_id(t, "<|pad|>", 7) == 5 &&
          tarn_tokenizer_token_flags(t, 5) == (TARN_TOKEN_ADDED | TARN_TOKEN_SPECIAL));
    CHECK(strcmp(tarn_tokenizer_token(t, 5, &length), "<|pad|>") == 0 && length == 7 &&
          !tarn_tokenizer_token(t, 1672, NULL));
    CHECK(tarn_tokenizer_token_flags(t, 300) == 0 && tarn_tokenizer_token_flags(t, -1) == 0);
    tarn_tokenizer_free(t);
}

/* Pushes all ids, with a finish after `cut` of them; the parts must be whole UTF-8 and give what decoding the two
 * halves gives. */
static bool stream_matches(const tarn_tokenizer *t, const int32_t *ids, size_t count, size_t cut) {
    text streamed = {0};
    tarn_token_stream *s = tarn_token_stream_new(t);
    bool ok = s != NULL;
    for (size_t i = 0; ok && i <= count + 1; i++) {
        bool finish = i == cut || i == count + 1;
        size_t length = 0, at = i < cut ? i : i - 1;
        const char *part = finish ? tarn_token_stream_finish(s, &length) : tarn_token_stream_push(s, ids[at], &length);
        ok = part && utf8_valid(part, length) && text_append(&streamed, part, length);
    }
    char *first = tarn_tokenizer_decode(t, ids, cut, NULL),
         *second = tarn_tokenizer_decode(t, ids + cut, count - cut, NULL);
    text whole = {0};
    ok = ok && first && second && text_add(&whole, first) && text_add(&whole, second) &&
         strcmp(text_string(&whole), text_string(&streamed)) == 0;
    tarn_token_stream_free(s);
    tarn_free(first);
    tarn_free(second);
    text_free(&streamed);
    text_free(&whole);
    return ok;
}

static void test_streams(void) {
    static const char *const decoders[] = {
        "",
        "\"decoder\":{\"type\":\"ByteLevel\"}",
        "\"decoder\":{\"type\":\"ByteFallback\"}",
        "\"decoder\":{\"type\":\"BPEDecoder\",\"suffix\":\"b\"}",
        "\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"a\"}",
        "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},"
        "\"content\":\" "
        "\"},{\"type\":"
        "\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":1}]}",
        "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},{\"type\":\"Replace\",\"pattern\":{"
        "\"String\":\"aab\"},"
        "\"content\":"
        "\"-\"},{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"b+\"},\"content\":\"+\"}]}",
    };
    static const int32_t ids[] = {0, 0, 2, 4, 5, 1, 4, 5, 4, 5, 0, 3, 99, 1, 1, 2, 4, 5, 0, 0};
    size_t count = sizeof ids / sizeof *ids;
    for (size_t d = 0; d < sizeof decoders / sizeof *decoders; d++) {
        tarn_tokenizer *t = make(decoders[d]);
        if (!CHECK(t != NULL)) continue;
        for (size_t cut = 0; cut <= count; cut++) /* not within a character of bytes */
            CHECK((cut > 0 && ids[cut - 1] == 4) || stream_matches(t, ids, count, cut));
        tarn_tokenizer_free(t);
    }
}

/* A character made of several tokens comes with the last of them, and not later. */
static void test_bytes_are_prompt(void) {
    static const struct {
        int32_t id;
        const char *text;
    } steps[] = {{4, ""},
                 {5, "\xC3\xA9"},
                 {4, ""},
                 {5, "\xC3\xA9"},
                 {6, ""},
                 {4, "\xEF\xBF\xBD"},
                 {0, "\xEF\xBF\xBD"
                     "a"},
                 {5, "\xEF\xBF\xBD"},
                 {1, "b"},
                 {4, ""}};
    tarn_tokenizer *t =
        make("\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}]}");
    tarn_token_stream *s = tarn_token_stream_new(t, .skip_special_tokens = true);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        CHECK(strcmp(tarn_token_stream_push(s, steps[i].id, NULL), steps[i].text) == 0);
    CHECK(strcmp(tarn_token_stream_finish(s, NULL), "\xEF\xBF\xBD") == 0);
    tarn_token_stream_free(s);
    tarn_tokenizer_free(t);
}

static void test_stream_is_prompt(void) {
    tarn_tokenizer *t = tarn_tokenizer_load(TARN_SOURCE_DIR "/models/tiny");
    int32_t *ids = NULL;
    size_t count = 0, length;
    if (!CHECK(t && tarn_tokenizer_encode(t, "\xF0\x9F\xA6\x99", 4, &ids, &count) && count == 4)) return;
    tarn_token_stream *s = tarn_token_stream_new(t, .skip_special_tokens = true);
    for (size_t i = 0; i < 3; i++) CHECK(tarn_token_stream_push(s, ids[i], &length) && length == 0);
    CHECK(strcmp(tarn_token_stream_push(s, ids[3], &length), "\xF0\x9F\xA6\x99") == 0 && length == 4);
    CHECK(tarn_token_stream_finish(s, &length) && length == 0);
    tarn_token_stream_free(s);
    tarn_free(ids);
    tarn_tokenizer_free(t);
}

static void fails_with(const char *parts, const char *message) {
    tarn_tokenizer *t = make(parts);
    if (t || !tarn_error() || !strstr(tarn_error(), message)) {
        failures++;
        printf("%s: \"%s\", not \"%s\"\n", parts, tarn_error() ? tarn_error() : "(no error)", message);
    }
    tarn_clear_error();
    tarn_tokenizer_free(t);
}

static void test_bad_parts(void) {
    static const char *const cases[][2] = {
        {"\"surprise\":1", "tokenizer.json: unknown member \"surprise\""},
        {"\"normalizer\":{\"type\":\"X\"}", "tokenizer.json: normalizer: unknown type \"X\""},
        {"\"normalizer\":{}", "normalizer.type: is missing"},
        {"\"normalizer\":[]", "normalizer: must be an object"},
        {"\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"\"}",
         "type \"Precompiled\" is not supported"},
        {"\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\"},{\"type\":\"X\"}]}",
         "tokenizer.json: pre_tokenizer.pretokenizers[1]: unknown type \"X\""},
        {"\"pre_tokenizer\":{\"type\":\"Digits\",\"individual\":true}", "pre_tokenizer: unknown member \"individual\""},
        {"\"pre_tokenizer\":{\"type\":\"Digits\",\"individual_digits\":1}",
         "pre_tokenizer.individual_digits: must be true or false"},
        {"\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"__\"}",
         "pre_tokenizer.replacement: must be one character"},
        {SPLIT("("), "pre_tokenizer.pattern: missing closing parenthesis"},
        {SPLIT("(?i:[a&&b])"),
         "pre_tokenizer.pattern: ignoring the case of an intersection of classes is not supported"},
        {"\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a\"},\"behavior\":\"Kept\"}",
         "pre_tokenizer.behavior: unknown behavior"},
        {"\"decoder\":{\"type\":\"CTC\"}", "decoder.pad_token: is missing"},
        {"\"decoder\":{\"type\":\"Strip\",\"content\":\" \",\"start\":-1,\"stop\":0}", "decoder.start: is -1"},
        {"\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\",\"type_id\":"
         "0}}],\"special_"
         "tokens\":{}}",
         "post_processor.special_tokens: has no \"x\""},
        {"\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"x\",99],\"cls\":[\"y\",1]}",
         "adds the id 99, which is no token"},
        {"\"added_tokens\":[" ADDED("8", "x") "," ADDED("8", "y") "]",
         "added_tokens[1]: \"y\" has the id 8, but the next free one is 9"},
        {"\"added_tokens\":[" ADDED("8", "a") "]", "added_tokens[0]: \"a\" has the id 8, but in the vocabulary 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) fails_with(cases[i][0], cases[i][1]);
}

static void test_bad_models(void) {
    static const char *const cases[][2] = {
        {"{}", "tokenizer.json: model: is missing"},
        {"[]", "tokenizer.json: must be an object"},
        {"{\"model\":{\"type\":\"Unigram\"}}", "model: type \"Unigram\" is not supported"},
        {"{\"model\":{\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}}", "model.vocab: \"a\" and \"b\" have the same id 0"},
        {"{\"model\":{\"vocab\":{\"a\":-1},\"merges\":[]}}", "model.vocab: the id of \"a\""},
        {"{\"model\":{\"vocab\":{\"a\":4294967296},\"merges\":[]}}", "model.vocab: the id of \"a\""},
        {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[\"a a\"]}}",
         "model.merges[0]: the merged token \"aa\" is not in the vocabulary"},
        {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[\"a\"]}}", "model.merges[0]: must have exactly one space"},
        {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]}}", "model.merges[0]: must be a string"},
        {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[],\"dropout\":0.1}}", "model.dropout: "},
        {"{\"model\":{\"vocab\":[],\"merges\":[]}}", "model.vocab: must be an object"},
        {"null", "must be an object"},
        {"{\"model\":", "tokenizer.json: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tarn_tokenizer *t = tarn_tokenizer_from_json(cases[i][0], strlen(cases[i][0]), "tokenizer.json");
        if (t || !tarn_error() || !strstr(tarn_error(), cases[i][1])) {
            failures++;
            printf("%s: \"%s\", not \"%s\"\n", cases[i][0], tarn_error() ? tarn_error() : "(no error)", cases[i][1]);
        }
        tarn_clear_error();
        tarn_tokenizer_free(t);
    }
}

static void encode_fails_with(const tarn_tokenizer *t, const char *s, size_t length, const char *message) {
    int32_t *ids;
    size_t count;
    CHECK(!tarn_tokenizer_encode(t, s, length, &ids, &count, .add_special_tokens = true) && !ids && count == 0);
    CHECK(tarn_error() && strstr(tarn_error(), message));
    tarn_clear_error();
}

static void test_bad_text(void) {
    tarn_tokenizer *t = make("");
    encode_fails_with(t, "ab\xC3", 3, "byte 0xC3 at offset 2");
    encode_fails_with(t, "\xED\xA0\x80", 3, "byte 0xED at offset 0");
    CHECK(encodes_to(t, "", 0, NULL, 0));
    CHECK(encodes_to(t, "ab\0a", 4, IDS(2, 7, 0)));
    CHECK(encodes_to(t, "\xC3\xA9", 2, IDS(4, 5)));
    tarn_tokenizer_free(t);
}

#define TENFOLD "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aaaaaaaaaa\"}"
#define FORMS   "{\"type\":\"NFKD\"},{\"type\":\"Prepend\",\"prepend\":\"b\"}"

#define TENFOLD_NINE_TIMES                                                                                             \
    TENFOLD "," TENFOLD "," TENFOLD "," TENFOLD "," TENFOLD "," TENFOLD "," TENFOLD "," TENFOLD "," TENFOLD
#define STRIP "{\"type\":\"Strip\",\"content\":\" \",\"start\":0,\"stop\":1}"

/* Decoders that do: of a whole text and of a stream, which goes on with the next one. list: in JSON. */
static void check_decoded_growth(const char *list) {
    static const char *const message = "the decoder makes more than 1024 bytes of a token and 64 of each";
    char entry[2048];
    snprintf(entry, sizeof entry, "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[%s]}", list);
    tarn_tokenizer *t = make(entry);
    CHECK(!tarn_tokenizer_decode(t, ((int32_t[]){0}), 1, NULL) && strstr(tarn_error(), message));
    tarn_clear_error();
    tarn_token_stream *s = tarn_token_stream_new(t);
    for (int i = 0; i < 2; i++) {
        CHECK(!tarn_token_stream_push(s, 0, NULL) && strstr(tarn_error(), message));
        tarn_clear_error();
        const char *good = tarn_token_stream_push(s, 1, NULL);
        CHECK(good && strcmp(good, "b") == 0);
    }
    tarn_token_stream_free(s);
    tarn_tokenizer_free(t);
}

static void test_decoded_growth(void) {
    check_decoded_growth(TENFOLD_NINE_TIMES);
    check_decoded_growth(STRIP "," TENFOLD_NINE_TIMES); /* a stage that holds what the next one fails at */
    tarn_tokenizer *t = make("\"decoder\":{\"type\":\"Sequence\",\"decoders\":[" TENFOLD "," TENFOLD "]}");
    size_t length = 0;
    char *decoded = tarn_tokenizer_decode(t, ((int32_t[]){0, 0, 0}), 3, &length);
    CHECK(decoded && length == 300);
    tarn_free(decoded);
    tarn_tokenizer_free(t);
}

/* Normalizers that multiply what is there. s: at least 3072 bytes. */
static void test_growth(char *s) {
    int32_t *ids = NULL;
    size_t count = 0;
    tarn_tokenizer *t = make("\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[" TENFOLD_NINE_TIMES "]}");
    encode_fails_with(t, "a", 1, "the normalizer makes a text of more than 1088 bytes");
    tarn_tokenizer_free(t);
    t = make("\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[" FORMS "]}");
    for (int i = 0; i < 3072; i += 3) memcpy(s + i, "\xEF\xB7\xBA", 3); /* 18 characters, more than any other */
    CHECK(tarn_tokenizer_encode(t, s, 3072, &ids, &count) && count > 0);
    tarn_free(ids);
    tarn_tokenizer_free(t);
}

/* A megabyte in one piece, through both ends of the model; and a pattern that would run for ever. */
static void test_limits(void) {
    enum { LONG = 1 << 20 };
    char *s = malloc(LONG);
    int32_t *ids = NULL;
    size_t count = 0;
    for (size_t i = 0; s && i < LONG; i++) s[i] = "ab"[i & 1];
    tarn_tokenizer *t = make("");
    CHECK(s && tarn_tokenizer_encode(t, s, LONG, &ids, &count, .add_special_tokens = true) && count == LONG / 2 &&
          ids[0] == 2 && ids[count - 1] == 2);
    tarn_free(ids);
    tarn_tokenizer_free(t);
    t = make("\"normalizer\":{\"type\":\"NFC\"}");
    for (size_t i = 0; s && i + 4 <= LONG; i += 4) memcpy(s + i, "\xCC\x81\xCC\x96", 4); /* marks in the wrong order */
    CHECK(tarn_tokenizer_encode(t, s, LONG, &ids, &count, .add_special_tokens = true) && count == LONG / 2);
    tarn_free(ids);
    tarn_tokenizer_free(t);
    t = make(SPLIT("(?:a|aa)+[xy]"));
    memset(s, 'a', 4096);
    encode_fails_with(t, s, 4096, "needs too much work");
    tarn_tokenizer_free(t);
    test_growth(s);
    test_decoded_growth();
    free(s);
}

static void *encode_often(void *tokenizer) {
    int32_t *ids;
    size_t count, wrong = 0;
    for (int i = 0; i < 200; i++) {
        wrong +=
            !tarn_tokenizer_encode(tokenizer, "Hello world<|eot_id|>!", 22, &ids, &count, .add_special_tokens = true) ||
            count != 6 || ids[1] != 1296;
        tarn_free(ids);
    }
    return wrong ? tokenizer : NULL;
}

static void test_threads(void) {
    tarn_tokenizer *t = tarn_tokenizer_load(TARN_SOURCE_DIR "/models/tiny");
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, encode_often, t) == 0);
    for (int i = 0; i < 4; i++) {
        void *wrong = t;
        CHECK(pthread_join(threads[i], &wrong) == 0 && !wrong);
    }
    tarn_tokenizer_free(t);
}

static bool load_and_use(void) {
    tarn_tokenizer *t = make("\"normalizer\":{\"type\":\"NFKC\"}," SPLIT("\\\\s+|b") ",\"added_tokens\":[" ADDED(
        "8",
        "<s>") "],"
               "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}]}");
    int32_t *ids = NULL;
    size_t count = 0;
    bool ok = t && tarn_tokenizer_encode(t, "ab b<s>\xC3\xA9", 9, &ids, &count, .add_special_tokens = true);
    char *back = ok ? tarn_tokenizer_decode(t, ids, count, NULL) : NULL;
    tarn_token_stream *s = ok ? tarn_token_stream_new(t, .skip_special_tokens = true) : NULL;
    ok = ok && back && s && tarn_token_stream_push(s, 4, NULL) && tarn_token_stream_finish(s, NULL);
    tarn_token_stream_free(s);
    tarn_free(back);
    tarn_free(ids);
    tarn_tokenizer_free(t);
    return ok;
}

static void test_failing_allocations(void) {
    bool ok = false;
    for (int64_t n = 1; !ok && n < 10000; n++) {
        memory_fail_at(n);
        ok = load_and_use();
        memory_fail_at(0);
        if (!ok) CHECK(tarn_error() && strstr(tarn_error(), "memory"));
        if (ok) CHECK(n > 50 && tarn_ok());
        tarn_clear_error();
    }
    CHECK(ok);
}

static bool write_file(const char *folder, const char *name, const char *content) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    bool ok = f && fputs(content, f) >= 0;
    return (!f || fclose(f) == 0) && ok;
}

static void remove_folder(const char *folder) {
    static const char *const names[] = {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                                        "chat_template.jinja"};
    char path[300];
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* Tokens as strings and objects, the older file as a fallback, templates in a list, and the template file before them.
 */
static void test_folder(void) {
    char folder[] = "/tmp/tarn-tokenizer-XXXXXX";
    if (!CHECK(mkdtemp(folder) != NULL)) return;
    CHECK(write_file(folder, "tokenizer.json", "{" MODEL "}"));
    CHECK(write_file(
        folder, "tokenizer_config.json",
        "{\"bos_token\":{\"content\":\"a\",\"lstrip\":false},\"eos_token\":\"b\",\"pad_token\":null,\"chat_template\":["
        "{\"name\":\"default\",\"template\":\"one\"},{\"name\":\"tool_use\",\"template\":\"two\"}]}"));
    CHECK(write_file(folder, "special_tokens_map.json",
                     "{\"eos_token\":\"a\",\"pad_token\":\"ab\",\"unk_token\":\"nowhere\"}"));
    tarn_tokenizer *t = tarn_tokenizer_load(folder);
    if (!CHECK(t != NULL)) return;
    CHECK(t && tarn_tokenizer_named_id(t, "bos_token") == 0 && tarn_tokenizer_named_id(t, "eos_token") == 0);
    CHECK(tarn_tokenizer_named_id(t, "pad_token") == 2 && tarn_tokenizer_named_id(t, "unk_token") == 8);
    CHECK(tarn_tokenizer_named_token(t, "unk_token", NULL) && !tarn_tokenizer_named_token(t, "cls_token", NULL));
    CHECK(tarn_tokenizer_token_flags(t, 8) == (TARN_TOKEN_ADDED | TARN_TOKEN_SPECIAL) &&
          encodes_to(t, "nowhereb", 8, IDS(8, 1)));
    CHECK(strcmp(tarn_tokenizer_chat_template(t), "one") == 0);
    CHECK(strcmp(tarn_tokenizer_chat_template(t, .name = "tool_use"), "two") == 0);
    tarn_tokenizer_free(t);
    CHECK(write_file(folder, "chat_template.jinja", "three"));
    t = tarn_tokenizer_load(folder);
    CHECK(t && strcmp(tarn_tokenizer_chat_template(t, .name = "default"), "three") == 0);
    tarn_tokenizer_free(t);
    CHECK(write_file(folder, "tokenizer_config.json", "{\"bos_token\":7}"));
    CHECK(!tarn_tokenizer_load(folder) &&
          strstr(tarn_error(), "tokenizer_config.json: bos_token: must be a string or an object"));
    tarn_clear_error();
    remove_folder(folder);
    CHECK(!tarn_tokenizer_load(folder) && strstr(tarn_error(), "tokenizer.json: No such file"));
    tarn_clear_error();
}

/* Tokens that only tokenizer_config.json knows, as strings, objects, lists and named ones; in it,
   special_tokens_map.json does not count once the tokens are listed. The ids are those that transformers 5.24 gives. */
static void test_config_tokens(void) {
    static const char config[] =
        "{\"eos_token\":\"<e>\",\"pad_token\":{\"__type\":\"AddedToken\",\"content\":\"<p>\",\"lstrip\":true},"
        "\"image_token\":\"<i>\",\"add_bos_token\":true,"
        "\"model_max_length\":Infinity,\"additional_special_tokens\":[\"<x>\",\"a\"],"
        "\"added_tokens_decoder\":{\"10\":{\"content\":\"<z>\",\"special\":true},\"9\":{\"content\":\"<y>\"},"
        "\"8\":{\"content\":\"<s>\",\"rstrip\":true,\"special\":false}}}";
    tarn_tokenizer *t = make("\"added_tokens\":[" ADDED("8", "<s>") "," ADDED("8", "<s>") "," ADDED("0", "") "]");
    CHECK(t && tarn_tokenizer_configure(t, config, sizeof config - 1, "tokenizer_config.json"));
    if (!t) return;
    CHECK(encodes_to(t, "<s> b<y><z><e> <p><i><x>a", 25, IDS(8, 1, 9, 10, 11, 12, 13, 14, 0)));
    CHECK(tarn_tokenizer_token_flags(t, 9) == TARN_TOKEN_ADDED &&
          tarn_tokenizer_token_flags(t, 0) == (TARN_TOKEN_ADDED | TARN_TOKEN_SPECIAL));
    CHECK(tarn_tokenizer_named_id(t, "image_token") == 13 &&
          tarn_tokenizer_token_flags(t, 8) == (TARN_TOKEN_ADDED | TARN_TOKEN_SPECIAL));
    CHECK(tarn_tokenizer_role(t, 0) && !strcmp(tarn_tokenizer_role(t, 0), "eos_token") &&
          !strcmp(tarn_tokenizer_role(t, 2), "image_token") && !tarn_tokenizer_role(t, 3));
    tarn_tokenizer_free(t);
    static const char *const bad[][2] = {
        {"{\"eos_token\":[]}", "eos_token: must be a string"},
        {"{\"added_tokens_decoder\":{\"x\":\"a\"}}", "added_tokens_decoder.x: is no token id"},
        {"{\"added_tokens_decoder\":{\"1\":7}}", "added_tokens_decoder.1: must be a string"},
        {"{\"extra_special_tokens\":[7]}", "extra_special_tokens[0]: must be a string"},
        {"{\"pad_token\":{\"lstrip\":true}}", "pad_token.content: is missing"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        t = make("");
        CHECK(t && !tarn_tokenizer_configure(t, bad[i][0], strlen(bad[i][0]), "config") &&
              strstr(tarn_error(), bad[i][1]));
        tarn_clear_error();
        tarn_tokenizer_free(t);
    }
}

/* GPT-2's files, and those that only have a message. */
static void test_lists(void) {
    char folder[] = "/tmp/tarn-tokenizer-XXXXXX", path[300];
    if (!CHECK(mkdtemp(folder) != NULL)) return;
    CHECK(!tarn_tokenizer_load(folder) && strstr(tarn_error(), "tokenizer.json: No such file") &&
          !tarn_tokenizer_found(folder));
    tarn_clear_error();
    CHECK(write_file(folder, "tokenizer.model", "") && !tarn_tokenizer_load(folder) &&
          strstr(tarn_error(), "SentencePiece"));
    tarn_clear_error();
    CHECK(write_file(folder, "tekken.json", "{}") && !tarn_tokenizer_load(folder) &&
          strstr(tarn_error(), "tekken.json: config: is missing"));
    CHECK(tarn_tokenizer_found(folder));
    tarn_clear_error();
    snprintf(path, sizeof path, "%s/tekken.json", folder), unlink(path);
    CHECK(!tarn_tokenizer_load("model.gguf") && strstr(tarn_error(), "GGUF files are not supported"));
    tarn_clear_error();
    CHECK(write_file(folder, "vocab.json",
                     "{\"a\":0,\"b\":1,\"\\u0120\":2,\"\\u0120a\":3,\"ba\":4,\"<|endoftext|>\":5}"));
    CHECK(write_file(folder, "merges.txt", "#version: 0.2\r\n\xC4\xA0 a\nb a\n") && tarn_tokenizer_found(folder));
    CHECK(write_file(folder, "tokenizer_config.json", "{\"tokenizer_class\":\"LlamaTokenizer\"}"));
    CHECK(!tarn_tokenizer_load(folder) && strstr(tarn_error(), "names LlamaTokenizer"));
    tarn_clear_error();
    static const char *const classes[] = {"GPT2Tokenizer", "Qwen2TokenizerFast"};
    for (int i = 0; i < 2; i++) {
        char config[100];
        snprintf(config, sizeof config, "{\"tokenizer_class\":\"%s\",\"eos_token\":\"<e>\"}", classes[i]);
        CHECK(write_file(folder, "tokenizer_config.json", config));
        tarn_tokenizer *t = tarn_tokenizer_load(folder);
        if (!CHECK(t != NULL)) continue;
        CHECK(encodes_to(t, "ba a<|endoftext|><e>", 20, IDS(4, 3, 5, 6)));
        CHECK(tarn_tokenizer_named_id(t, "eos_token") == 6 && tarn_tokenizer_named_id(t, "unk_token") == 5);
        CHECK(tarn_tokenizer_named_id(t, i ? "pad_token" : "bos_token") == 5 &&
              tarn_tokenizer_named_id(t, i ? "bos_token" : "pad_token") == -1);
        tarn_tokenizer_free(t);
    }
    static const char *const names[] = {"tokenizer.model", "vocab.json", "merges.txt"};
    for (int i = 0; i < 3; i++) snprintf(path, sizeof path, "%s/%s", folder, names[i]), unlink(path);
    remove_folder(folder);
}

int main(void) {
    test_large_parts();
    test_batches();
    test_tiny();
    test_streams();
    test_bytes_are_prompt();
    test_stream_is_prompt();
    test_bad_parts();
    test_bad_models();
    test_bad_text();
    test_limits();
    test_threads();
    test_failing_allocations();
    test_folder();
    test_config_tokens();
    test_lists();
    printf("%d failures\n", failures);
    return failures != 0;
}
