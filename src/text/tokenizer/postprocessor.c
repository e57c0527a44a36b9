#include "tokenizer/postprocessor.h"

#include <string.h>

#include "tarn/error.h"
#include "tokenizer/vocabulary.h"

static bool claim(postprocessor *post, const part *p) {
    if (post->set) return part_fail(p, "a second processor that adds tokens is not supported");
    return post->set = true;
}

/* Ids of a special token of a template, through "special_tokens". */
static bool add_special(const part *p, const char *name, token_ids *ids) {
    part specials = part_member(p, "special_tokens");
    part entry = part_member(&specials, name);
    if (part_absent(&entry)) return part_fail(&specials, "has no \"%.100s\", which the template uses", name);
    if (!part_known(&entry, "id ids tokens")) return false;
    part list = part_member(&entry, "ids");
    if (!part_array(&list)) return false;
    for (size_t i = 0; i < json_count(list.value); i++) {
        part item = part_item(&list, i);
        int64_t id = json_whole(item.value, -1);
        if (id < 0 || id >= TOKEN_LIMIT) return part_fail(&item, "must be a token id");
        if (!vector_push(ids, (int32_t)id)) return false;
    }
    return true;
}

static bool read_template_item(postprocessor *post, const part *p, const part *item, bool *seen) {
    const char *id;
    size_t length;
    if (!part_known(item, "SpecialToken Sequence")) return false;
    if (json_count(item->value) != 1) return part_fail(item, "must be one SpecialToken or one Sequence");
    part special = part_member(item, "SpecialToken"), sequence = part_member(item, "Sequence");
    if (special.value)
        return part_known(&special, "id type_id") && part_string(&special, "id", &id, &length) &&
               add_special(p, id, *seen ? &post->after : &post->before);
    if (!part_known(&sequence, "id type_id") || !part_string(&sequence, "id", &id, &length)) return false;
    if (strcmp(id, "A") != 0) return part_fail(&sequence, "a template for one text can only use \"A\"");
    if (*seen) return part_fail(&sequence, "using the text twice is not supported");
    return *seen = true;
}

/* Only "single" counts: Tarn encodes one text at a time, never a pair. */
static bool read_template(const part *p, void *into) {
    postprocessor *post = into;
    part list = part_member(p, "single");
    if (!claim(post, p) || !part_array(&list)) return false;
    bool seen = false;
    for (size_t i = 0; i < json_count(list.value); i++) {
        part item = part_item(&list, i);
        if (!read_template_item(post, p, &item, &seen)) return false;
    }
    return seen || part_fail(&list, "does not use the text");
}

/* "cls": ["[CLS]", 101] */
static bool read_token_pair(const part *p, const char *key, token_ids *ids) {
    part pair = part_member(p, key);
    if (!part_array(&pair)) return false;
    int64_t id = json_whole(json_at(pair.value, 1), -1);
    if (json_count(pair.value) != 2 || !json_is(json_at(pair.value, 0), JSON_TEXT) || id < 0 || id >= TOKEN_LIMIT)
        return part_fail(&pair, "must be a list of a token and its id");
    return vector_push(ids, (int32_t)id);
}

static bool read_bert(const part *p, void *into) {
    postprocessor *post = into;
    return claim(post, p) && read_token_pair(p, "cls", &post->before) && read_token_pair(p, "sep", &post->after);
}

/* Offsets are not reported: what only trims them changes nothing, but must be well formed. */
static bool read_byte_level(const part *p, void *into) {
    (void)into;
    bool unused;
    return part_boolean(p, "add_prefix_space", true, &unused) && part_boolean(p, "trim_offsets", true, &unused) &&
           part_boolean(p, "use_regex", true, &unused);
}

static bool read_roberta(const part *p, void *into) {
    return read_byte_level(p, into) && read_bert(p, into);
}

static bool read_sequence(const part *p, void *into) {
    part list = part_member(p, "processors");
    if (!part_array(&list)) return false;
    for (size_t i = 0; i < json_count(list.value); i++) {
        part item = part_item(&list, i);
        if (part_absent(&item)) return part_fail(&item, "must be an object");
        if (!postprocessor_read(into, &item)) return false;
    }
    return true;
}

static const part_kind kinds[] = {
    {"TemplateProcessing", "single pair special_tokens", read_template},
    {"ByteLevel", "add_prefix_space trim_offsets use_regex", read_byte_level},
    {"BertProcessing", "sep cls", read_bert},
    {"RobertaProcessing", "sep cls trim_offsets add_prefix_space", read_roberta},
    {"Sequence", "processors", read_sequence},
};

bool postprocessor_read(postprocessor *post, const part *from) {
    return part_absent(from) || part_read(from, kinds, sizeof kinds / sizeof *kinds, post);
}

void postprocessor_free(postprocessor *p) {
    vector_free(&p->before);
    vector_free(&p->after);
}
