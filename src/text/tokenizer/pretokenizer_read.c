/* Pre-tokenizers from JSON. */
#include <string.h>

#include "tarn/error.h"
#include "tokenizer/pretokenizer_steps.h"
#include "unicode/database.h"

static bool keep(pretokenizer *t, cut_step step) {
    if (vector_push(t, step)) return true;
    regex_free(step.pattern);
    return false;
}

static regex *fixed_pattern(const char *pattern) {
    text why = {0};
    regex *r = regex_new(pattern, strlen(pattern), false, &why);
    if (!r && why.length) tarn_fail("tokenizer: %s", text_string(&why));
    text_free(&why);
    return r;
}

static bool read_byte_level(const part *p, void *into) {
    cut_step step = {.apply = cut_byte_level, .behavior = SPLIT_ISOLATED};
    bool trim_offsets, use_regex; /* offsets are not reported, so trimming them changes nothing */
    if (!part_boolean(p, "add_prefix_space", true, &step.add_prefix_space) ||
        !part_boolean(p, "trim_offsets", true, &trim_offsets) || !part_boolean(p, "use_regex", true, &use_regex))
        return false;
    if (use_regex)
        step.pattern =
            fixed_pattern("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");
    return (!use_regex || step.pattern) && keep(into, step);
}

static bool read_split(const part *p, void *into) {
    cut_step step = {.apply = cut_split};
    return split_read_behavior(p, "behavior", -1, &step.behavior) && part_boolean(p, "invert", false, &step.invert) &&
           split_read_pattern(p, "pattern", &step.pattern) && keep(into, step);
}

static bool is_the_character(const cut_step *step, uint32_t c) {
    return c == step->character;
}

static bool read_metaspace(const part *p, void *into) {
    cut_step step = {.apply = cut_metaspace, .matches = is_the_character, .behavior = SPLIT_MERGED_WITH_NEXT};
    const char *unused;
    size_t length;
    return part_character(p, "replacement", &step.character) && split_read_prepend_scheme(p, &step.prepend) &&
           part_boolean(p, "split", true, &step.split) && part_optional_string(p, "str_rep", &unused, &length) &&
           keep(into, step);
}

static bool is_number(const cut_step *step, uint32_t c) {
    (void)step;
    return unicode_is_number(c);
}

static bool read_digits(const part *p, void *into) {
    cut_step step = {.apply = cut_split, .matches = is_number};
    bool individual;
    if (!part_boolean(p, "individual_digits", false, &individual)) return false;
    step.behavior = individual ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS;
    return keep(into, step);
}

static bool is_punctuation(const cut_step *step, uint32_t c) {
    (void)step;
    return unicode_is_punctuation(c);
}

static bool read_punctuation(const part *p, void *into) {
    cut_step step = {.apply = cut_split, .matches = is_punctuation};
    return split_read_behavior(p, "behavior", SPLIT_ISOLATED, &step.behavior) && keep(into, step);
}

static bool read_whitespace(const part *p, void *into) {
    (void)p;
    return keep(into, (cut_step){.apply = cut_whitespace});
}

static bool is_space(const cut_step *step, uint32_t c) {
    (void)step;
    return unicode_is_space(c);
}

static bool read_whitespace_split(const part *p, void *into) {
    (void)p;
    return keep(into, (cut_step){.apply = cut_split, .matches = is_space, .behavior = SPLIT_REMOVED});
}

static bool read_bert(const part *p, void *into) {
    return read_whitespace_split(p, into) &&
           keep(into, (cut_step){.apply = cut_split, .matches = is_punctuation, .behavior = SPLIT_ISOLATED});
}

static bool read_delimiter(const part *p, void *into) {
    cut_step step = {.apply = cut_split, .matches = is_the_character, .behavior = SPLIT_REMOVED};
    return part_character(p, "delimiter", &step.character) && keep(into, step);
}

static bool read_sequence(const part *p, void *into) {
    part list = part_member(p, "pretokenizers");
    if (!part_array(&list)) return false;
    for (size_t i = 0; i < json_count(list.value); i++) {
        part item = part_item(&list, i);
        if (part_absent(&item)) return part_fail(&item, "must be an object");
        if (!pretokenizer_read(into, &item)) return false;
    }
    return true;
}

static bool read_fixed_length(const part *p, void *into) {
    cut_step step = {.apply = cut_fixed_length};
    part length = part_member(p, "length");
    int64_t count = 5; /* as in `tokenizers` */
    if (!part_absent(&length) && !part_integer(p, "length", 1, INT32_MAX, &count)) return false;
    step.length = (size_t)count;
    return keep(into, step);
}

static bool read_scripts(const part *p, void *into) {
    (void)p;
    return keep(into, (cut_step){.apply = cut_scripts});
}

static const part_kind kinds[] = {
    {"ByteLevel", "add_prefix_space trim_offsets use_regex", read_byte_level},
    {"Split", "pattern behavior invert", read_split},
    {"Metaspace", "replacement prepend_scheme split add_prefix_space str_rep", read_metaspace},
    {"Digits", "individual_digits", read_digits},
    {"Punctuation", "behavior", read_punctuation},
    {"Whitespace", "", read_whitespace},
    {"WhitespaceSplit", "", read_whitespace_split},
    {"BertPreTokenizer", "", read_bert},
    {"CharDelimiterSplit", "delimiter", read_delimiter},
    {"Sequence", "pretokenizers", read_sequence},
    {"UnicodeScripts", "", read_scripts},
    {"FixedLength", "length", read_fixed_length},
};

bool pretokenizer_read(pretokenizer *t, const part *p) {
    return part_absent(p) || part_read(p, kinds, sizeof kinds / sizeof *kinds, t);
}
