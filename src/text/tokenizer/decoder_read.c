/* Decoders from JSON. */
#include <string.h>

#include "base/memory.h"
#include "tarn/error.h"
#include "tokenizer/decoder_stages.h"
#include "tokenizer/split.h"

/* The stages call each other. */
enum { MOST_STAGES = 64, MOST_STRIPPED = 1 << 20 };

static void drop(decode_stage *stage) {
    regex_free(stage->pattern);
    memory_free(stage->string);
    memory_free(stage->content);
}

static bool keep(const part *p, decoder *d, decode_stage stage) {
    if (d->count == MOST_STAGES)
        part_fail(p, "more than %d decoders", MOST_STAGES);
    else if (vector_push(d, stage))
        return true;
    drop(&stage);
    return false;
}

static bool read_byte_level(const part *p, void *into) {
    bool unused; /* these members steer encoding only */
    return part_boolean(p, "add_prefix_space", true, &unused) && part_boolean(p, "trim_offsets", true, &unused) &&
           part_boolean(p, "use_regex", true, &unused) &&
           keep(p, into, (decode_stage){.take = byte_level_take, .finish = byte_level_finish});
}

static bool read_byte_fallback(const part *p, void *into) {
    return keep(p, into, (decode_stage){.take = byte_fallback_take, .finish = byte_fallback_finish});
}

static bool read_fuse(const part *p, void *into) {
    return keep(p, into, (decode_stage){.take = fuse_take, .finish = fuse_finish});
}

static bool copy_string(const part *p, const char *key, char **copy, size_t *length) {
    const char *string;
    if (!part_string(p, key, &string, length)) return false;
    *copy = memory_copy(string, *length + 1);
    return *copy != NULL;
}

static bool read_replace(const part *p, void *into) {
    decode_stage stage = {.take = replace_string_take};
    part pattern = part_member(p, "pattern");
    const char *literal = json_text(json_get(pattern.value, "String"), &stage.string_length);
    bool plain = literal && stage.string_length > 0 && json_count(pattern.value) == 1;
    bool ok = plain ? copy_string(&pattern, "String", &stage.string, &stage.string_length)
                    : split_read_pattern(p, "pattern", &stage.pattern);
    if (!plain) stage.take = replace_pattern_take;
    if (ok && copy_string(p, "content", &stage.content, &stage.content_length)) return keep(p, into, stage);
    drop(&stage);
    return false;
}

static bool read_strip(const part *p, void *into) {
    decode_stage stage = {.take = strip_take};
    int64_t start, stop;
    if (!part_character(p, "content", &stage.character) || !part_integer(p, "start", 0, MOST_STRIPPED, &start) ||
        !part_integer(p, "stop", 0, MOST_STRIPPED, &stop))
        return false;
    stage.start = (size_t)start;
    stage.stop = (size_t)stop;
    return keep(p, into, stage);
}

static bool read_metaspace(const part *p, void *into) {
    decode_stage stage = {.take = metaspace_take};
    prepend_scheme scheme;
    bool unused; /* `split` steers encoding only */
    if (!part_character(p, "replacement", &stage.character) || !split_read_prepend_scheme(p, &scheme) ||
        !part_boolean(p, "split", true, &unused))
        return false;
    stage.first = scheme != PREPEND_NEVER;
    return keep(p, into, stage);
}

static bool read_wordpiece(const part *p, void *into) {
    decode_stage stage = {.take = wordpiece_take};
    return part_boolean(p, "cleanup", true, &stage.first) &&
           copy_string(p, "prefix", &stage.string, &stage.string_length) && keep(p, into, stage);
}

static bool read_bpe_suffix(const part *p, void *into) {
    decode_stage stage = {.take = bpe_suffix_take, .finish = bpe_suffix_finish};
    if (!copy_string(p, "suffix", &stage.string, &stage.string_length)) return false;
    if (stage.string_length > 0) return keep(p, into, stage);
    drop(&stage);
    return part_fail(p, "an empty suffix is not supported");
}

static bool read_sequence(const part *p, void *into) {
    part list = part_member(p, "decoders");
    if (!part_array(&list)) return false;
    for (size_t i = 0; i < json_count(list.value); i++) {
        part item = part_item(&list, i);
        if (part_absent(&item)) return part_fail(&item, "must be an object");
        if (!decoder_read(into, &item)) return false;
    }
    return true;
}

static bool read_ctc(const part *p, void *into) {
    decode_stage stage = {.take = ctc_take};
    bool ok = part_boolean(p, "cleanup", true, &stage.first) &&
              copy_string(p, "pad_token", &stage.string, &stage.string_length) &&
              copy_string(p, "word_delimiter_token", &stage.content, &stage.content_length);
    if (ok && stage.string_length && stage.content_length) return keep(p, into, stage);
    drop(&stage);
    return ok && part_fail(p, "an empty token is not supported");
}

static const part_kind kinds[] = {
    {"ByteLevel", "add_prefix_space trim_offsets use_regex", read_byte_level},
    {"ByteFallback", "", read_byte_fallback},
    {"Fuse", "", read_fuse},
    {"Replace", "pattern content", read_replace},
    {"Strip", "content start stop", read_strip},
    {"Metaspace", "replacement prepend_scheme split add_prefix_space str_rep", read_metaspace},
    {"WordPiece", "prefix cleanup", read_wordpiece},
    {"BPEDecoder", "suffix", read_bpe_suffix},
    {"Sequence", "decoders", read_sequence},
    {"CTC", "pad_token word_delimiter_token cleanup", read_ctc},
};

bool decoder_read(decoder *d, const part *from) {
    if (part_absent(from)) return keep(from, d, (decode_stage){.take = spaces_take});
    return part_read(from, kinds, sizeof kinds / sizeof *kinds, d);
}
