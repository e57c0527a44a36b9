#include "tokenizer/normalizer.h"

#include <string.h>

#include "base/memory.h"
#include "tarn/error.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/split.h"

/* No form of Unicode makes more than 11 bytes of one. */
enum { MOST_GROWTH = 64, ALWAYS_ALLOWED = 1024 };

bool working_set(working *w, const char *s, size_t length, bool first) {
    uint32_t c;
    w->limit = length < SIZE_MAX / MOST_GROWTH / 2 ? ALWAYS_ALLOWED + length * MOST_GROWTH : SIZE_MAX;
    text_clear(&w->now);
    w->zero = first ? utf8_decode(s, length, &c) : 0;
    w->at = 0;
    w->passed = false;
    text_clear(&w->next);
    return text_append(&w->now, s, length);
}

void working_reached(working *w, size_t at) {
    if (w->passed || at < w->zero) return;
    w->passed = true;
    w->next_zero = w->next.length;
}

bool working_next(working *w, uint32_t *c) {
    working_reached(w, w->at);
    size_t size = utf8_decode(w->now.bytes + w->at, w->now.length - w->at, c);
    w->at += size;
    return size > 0;
}

bool working_put(working *w, uint32_t c) {
    char bytes[4];
    return text_append(&w->next, bytes, utf8_encode(c, bytes));
}

/* Whether so many bytes more are fine in `next`. */
static bool has_room(const working *w, size_t more) {
    return (w->next.length <= w->limit && more <= w->limit - w->next.length) ||
           tarn_fail("tokenizer: the normalizer makes a text of more than %zu bytes", w->limit);
}

bool working_finish(working *w) {
    if (!has_room(w, 0)) return false;
    working_reached(w, w->now.length);
    bool failed = w->next.failed;
    text swap = w->now;
    w->now = w->next;
    w->next = swap;
    text_clear(&w->next);
    w->zero = w->zero ? w->next_zero : 0;
    w->at = 0;
    w->passed = false;
    return !failed && text_append(&w->now, "", 0);
}

void working_free(working *w) {
    text_free(&w->now);
    text_free(&w->next);
}

/* ---- the steps */

static bool apply_form(const normal_step *step, working *w) {
    if (!unicode_normalize(w->now.bytes, w->now.length, step->form, &w->next)) return false;
    text first = {0};
    bool ok = unicode_normalize(w->now.bytes, w->zero, step->form, &first);
    w->passed = true;
    w->next_zero = first.length < w->next.length ? first.length : w->next.length;
    /* A mark that followed may have joined the first character and made it longer. */
    while (w->next_zero < w->next.length && ((unsigned char)w->next.bytes[w->next_zero] & 0xC0) == 0x80) w->next_zero++;
    text_free(&first);
    return working_finish(w) && ok;
}

static bool apply_lowercase(const normal_step *step, working *w) {
    (void)step;
    uint32_t c, lower[2];
    while (working_next(w, &c)) {
        size_t count = unicode_lower(c, lower);
        for (size_t i = 0; i < count; i++) working_put(w, lower[i]);
    }
    return working_finish(w);
}

static bool apply_strip(const normal_step *step, working *w) {
    size_t begin = 0, end = w->now.length, solid = 0;
    uint32_t c;
    for (size_t at = 0, size; at < w->now.length; at += size) {
        size = utf8_decode(w->now.bytes + at, w->now.length - at, &c);
        if (unicode_is_space(c)) continue;
        if (solid == 0) begin = at;
        solid = at + size;
    }
    if (solid == 0) begin = w->now.length;
    if (step->right) end = solid;
    if (!step->left) begin = 0;
    if (begin > end) begin = end;
    size_t kept = w->zero < begin ? 0 : w->zero < end ? w->zero - begin : end - begin;
    text_append(&w->next, w->now.bytes + begin, end - begin);
    w->passed = true;
    w->next_zero = kept;
    return working_finish(w);
}

static bool apply_strip_accents(const normal_step *step, working *w) {
    (void)step;
    uint32_t c;
    while (working_next(w, &c))
        if (!unicode_is_mark(c)) working_put(w, c);
    return working_finish(w);
}

static bool apply_prepend(const normal_step *step, working *w) {
    if (w->now.length > 0) text_append(&w->next, step->string, step->length);
    size_t front = w->next.length;
    text_append(&w->next, w->now.bytes, w->now.length);
    w->passed = true;
    w->next_zero = front + w->zero;
    return working_finish(w);
}

/* Copies bytes [from, to) of `now`, counting those that stem from the first character. */
static bool copy_between(working *w, size_t from, size_t to) {
    if (from < w->zero) w->next_zero += (to < w->zero ? to : w->zero) - from;
    return text_append(&w->next, w->now.bytes + from, to - from);
}

/* What is put in stems from the last character that it replaces. */
static bool apply_replace(const normal_step *step, working *w) {
    ranges matches = {0};
    bool ok = regex_find_all(step->pattern, w->now.bytes, w->now.length, &matches);
    size_t at = 0;
    w->passed = true;
    w->next_zero = 0;
    for (size_t i = 0; ok && i < matches.count; i++) {
        range m = matches.items[i];
        ok = has_room(w, step->length) && copy_between(w, at, m.start) &&
             text_append(&w->next, step->string, step->length);
        if (m.end <= w->zero) w->next_zero += step->length;
        at = m.end;
    }
    ok = ok && copy_between(w, at, w->now.length);
    vector_free(&matches);
    return working_finish(w) && ok;
}

static uint32_t nmt_replacement(uint32_t c) {
    bool space = c == 9 || c == 10 || c == 12 || c == 13 || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
                 c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
    return space ? ' ' : c;
}

static bool apply_nmt(const normal_step *step, working *w) {
    (void)step;
    uint32_t c;
    while (working_next(w, &c)) {
        bool control = (c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
        if (!control) working_put(w, nmt_replacement(c));
    }
    return working_finish(w);
}

static bool apply_byte_level(const normal_step *step, working *w) {
    (void)step;
    byte_level_write(w->now.bytes, w->zero, &w->next);
    working_reached(w, w->zero);
    byte_level_write(w->now.bytes + w->zero, w->now.length - w->zero, &w->next);
    return working_finish(w);
}

/* ---- BertNormalizer */

static bool clean_bert(working *w) {
    uint32_t c;
    while (working_next(w, &c)) {
        bool space = unicode_is_space(c),
             control = c == 0 || c == 0xFFFD || (unicode_is_other(c) && c != 9 && c != 10 && c != 13);
        if (!control) working_put(w, space ? ' ' : c);
    }
    return working_finish(w);
}

static bool is_chinese(uint32_t c) {
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
           (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

static bool space_chinese(working *w) {
    uint32_t c;
    while (working_next(w, &c)) {
        if (is_chinese(c)) working_put(w, ' ');
        working_put(w, c);
        if (is_chinese(c)) working_put(w, ' ');
    }
    return working_finish(w);
}

static bool strip_nonspacing(working *w) {
    static const normal_step decompose = {.form = FORM_NFD};
    if (!apply_form(&decompose, w)) return false;
    uint32_t c;
    while (working_next(w, &c))
        if (!unicode_is_nonspacing_mark(c)) working_put(w, c);
    return working_finish(w);
}

static bool apply_bert(const normal_step *step, working *w) {
    return (!step->clean || clean_bert(w)) && (!step->chinese || space_chinese(w)) &&
           (!step->strip_accents || strip_nonspacing(w)) && (!step->lowercase || apply_lowercase(step, w));
}

/* ---- reading */

static bool keep(normalizer *n, normal_step step) {
    if (vector_push(n, step)) return true;
    regex_free(step.pattern);
    memory_free(step.string);
    return false;
}

static bool read_form(const part *p, void *into) {
    static const char *const names[] = {"NFC", "NFD", "NFKC", "NFKD"};
    normal_step step = {.apply = apply_form};
    size_t length;
    const char *type = json_text(json_get(p->value, "type"), &length);
    for (int i = 0; i < 4; i++)
        if (strcmp(type, names[i]) == 0) step.form = (unicode_form)i;
    return keep(into, step);
}

static bool read_lowercase(const part *p, void *into) {
    (void)p;
    return keep(into, (normal_step){.apply = apply_lowercase});
}

static bool read_strip(const part *p, void *into) {
    normal_step step = {.apply = apply_strip};
    return part_boolean(p, "strip_left", true, &step.left) && part_boolean(p, "strip_right", true, &step.right) &&
           keep(into, step);
}

static bool read_strip_accents(const part *p, void *into) {
    (void)p;
    return keep(into, (normal_step){.apply = apply_strip_accents});
}

static bool keep_with_string(const part *p, const char *key, normal_step step, void *into) {
    const char *string;
    if (part_string(p, key, &string, &step.length)) step.string = memory_copy(string, step.length + 1);
    if (step.string) return keep(into, step);
    regex_free(step.pattern);
    return false;
}

static bool read_prepend(const part *p, void *into) {
    return keep_with_string(p, "prepend", (normal_step){.apply = apply_prepend}, into);
}

static bool read_replace(const part *p, void *into) {
    normal_step step = {.apply = apply_replace};
    return split_read_pattern(p, "pattern", &step.pattern) && keep_with_string(p, "content", step, into);
}

static bool read_nmt(const part *p, void *into) {
    (void)p;
    return keep(into, (normal_step){.apply = apply_nmt});
}

static bool read_byte_level(const part *p, void *into) {
    (void)p;
    return keep(into, (normal_step){.apply = apply_byte_level});
}

static bool read_bert(const part *p, void *into) {
    normal_step step = {.apply = apply_bert};
    return part_boolean(p, "clean_text", true, &step.clean) &&
           part_boolean(p, "handle_chinese_chars", true, &step.chinese) &&
           part_boolean(p, "lowercase", true, &step.lowercase) &&
           part_boolean(p, "strip_accents", step.lowercase, &step.strip_accents) && keep(into, step);
}

static bool read_sequence(const part *p, void *into) {
    part list = part_member(p, "normalizers");
    if (!part_array(&list)) return false;
    for (size_t i = 0; i < json_count(list.value); i++) {
        part item = part_item(&list, i);
        if (part_absent(&item)) return part_fail(&item, "must be an object");
        if (!normalizer_read(into, &item)) return false;
    }
    return true;
}

static bool refuse_precompiled(const part *p, void *into) {
    (void)into;
    return part_fail(p, "type \"Precompiled\" is not supported (it belongs to Unigram models)");
}

static const part_kind kinds[] = {
    {"NFC", "", read_form},
    {"NFD", "", read_form},
    {"NFKC", "", read_form},
    {"NFKD", "", read_form},
    {"Lowercase", "", read_lowercase},
    {"Strip", "strip_left strip_right", read_strip},
    {"StripAccents", "", read_strip_accents},
    {"Prepend", "prepend", read_prepend},
    {"Replace", "pattern content", read_replace},
    {"Nmt", "", read_nmt},
    {"ByteLevel", "", read_byte_level},
    {"BertNormalizer", "clean_text handle_chinese_chars strip_accents lowercase", read_bert},
    {"Sequence", "normalizers", read_sequence},
    {"Precompiled", "precompiled_charsmap", refuse_precompiled},
};

bool normalizer_read(normalizer *n, const part *p) {
    return part_absent(p) || part_read(p, kinds, sizeof kinds / sizeof *kinds, n);
}

bool normalizer_apply(const normalizer *n, working *w) {
    for (size_t i = 0; i < n->count; i++)
        if (!n->items[i].apply(&n->items[i], w)) return false;
    return true;
}

void normalizer_free(normalizer *n) {
    for (size_t i = 0; i < n->count; i++) {
        regex_free(n->items[i].pattern);
        memory_free(n->items[i].string);
    }
    vector_free(n);
}
