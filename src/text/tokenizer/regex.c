#include "tokenizer/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "base/memory.h"
#include "unicode/database.h"
#include "tarn/error.h"

/* A match may take this many steps plus some for each byte of text; far above what splitting patterns need. */
enum { STEPS = 1000000, STEPS_A_BYTE = 16, HEAP_KIB = 65536 };

struct regex {
    pcre2_code *code; /* NULL for a plain string */
    char *literal;
    size_t length;
};

static void *allocate(size_t size, void *data) {
    (void)data;
    return memory_new(1, size);
}

static void release(void *block, void *data) {
    (void)data;
    memory_free(block);
}

static pcre2_code *compile(const char *pattern, size_t length, text *why) {
    pcre2_general_context *memory = pcre2_general_context_create(allocate, release, NULL);
    pcre2_compile_context *context = memory ? pcre2_compile_context_create(memory) : NULL;
    pcre2_code *code = NULL;
    if (context) {
        int number;
        PCRE2_SIZE offset;
        pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        pcre2_set_parens_nest_limit(context, 100);
        code = pcre2_compile((PCRE2_SPTR)pattern, length,
                             PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_POSSESS,
                             &number, &offset, context);
        char message[128];
        if (!code && tarn_ok() && pcre2_get_error_message(number, (PCRE2_UCHAR *)message, sizeof message) != 0)
            text_format(why, "%s at byte %zu", message, (size_t)offset);
    }
    pcre2_compile_context_free(context);
    pcre2_general_context_free(memory);
    if (code) pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* where it cannot, matching interprets */
    if (tarn_ok()) return code;
    pcre2_code_free(code); /* no memory */
    return NULL;
}

regex *regex_new(const char *pattern, size_t length, bool literal, text *why) {
    regex *r = NEW(regex);
    if (!r) return NULL;
    text translated = {0};
    if (literal && length > 0) {
        r->literal = memory_copy(pattern, length);
        r->length = length;
    } else if (regex_translate(pattern, length, &translated, why)) {
        r->code = compile(text_string(&translated), translated.length, why);
    }
    text_free(&translated);
    if (r->code || r->literal) return r;
    memory_free(r);
    return NULL;
}

void regex_free(regex *r) {
    if (!r) return;
    pcre2_code_free(r->code);
    memory_free(r->literal);
    memory_free(r);
}

static bool find_literal(const regex *r, const char *s, size_t length, ranges *out) {
    for (size_t at = 0; at < length;) {
        const char *found = memmem(s + at, length - at, r->literal, r->length);
        if (!found) return true;
        at = (size_t)(found - s) + r->length;
        if (!vector_push(out, ((range){at - r->length, at}))) return false;
    }
    return true;
}

static bool explain(int number) {
    char message[128];
    if (pcre2_get_error_message(number, (PCRE2_UCHAR *)message, sizeof message) < 0) message[0] = 0;
    return tarn_fail("tokenizer: the pattern of a split needs too much work on this text (%s)", message);
}

/* The next match at or after `at`: 1, 0 for none, -1 on failure. */
static int search(const regex *r, const char *s, size_t length, size_t at, pcre2_match_data *data,
                  pcre2_match_context *context) {
    int result = pcre2_match(r->code, (PCRE2_SPTR)s, length, at, PCRE2_NO_UTF_CHECK, data, context);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT)
        result = pcre2_match(r->code, (PCRE2_SPTR)s, length, at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, context);
    if (result == PCRE2_ERROR_NOMATCH) return 0;
    return result >= 0 ? 1 : (explain(result), -1);
}

static size_t character_length(const char *s, size_t length) {
    uint32_t c;
    size_t size = utf8_decode(s, length, &c);
    return size ? size : 1;
}

static bool find_pattern(const regex *r, const char *s, size_t length, ranges *out, pcre2_match_data *data,
                         pcre2_match_context *context) {
    const PCRE2_SIZE *found = pcre2_get_ovector_pointer(data);
    size_t last_end = SIZE_MAX;
    for (size_t at = 0; at <= length;) {
        int result = search(r, s, length, at, data, context);
        if (result <= 0) return result == 0;
        /* \K in a look-ahead could give a match that ends before it starts, in a look-behind one that starts before the
         * search. */
        if (found[0] > found[1] || found[0] < at)
            return tarn_fail("tokenizer: a match of the pattern of a split runs backwards");
        if (found[0] == found[1] && found[0] == last_end) {
            at = last_end + character_length(s + last_end, length - last_end);
            continue;
        }
        if (!vector_push(out, ((range){found[0], found[1]}))) return false;
        at = last_end = found[1];
    }
    return true;
}

static bool find_with_pattern(const regex *r, const char *s, size_t length, ranges *out) {
    pcre2_general_context *memory = pcre2_general_context_create(allocate, release, NULL);
    pcre2_match_context *context = memory ? pcre2_match_context_create(memory) : NULL;
    pcre2_match_data *data = context ? pcre2_match_data_create_from_pattern(r->code, memory) : NULL;
    bool ok = false;
    if (data) {
        size_t steps = length < UINT32_MAX / STEPS_A_BYTE / 2 ? STEPS + STEPS_A_BYTE * length : UINT32_MAX;
        pcre2_set_match_limit(context, (uint32_t)steps);
        pcre2_set_heap_limit(context, HEAP_KIB);
        ok = find_pattern(r, s, length, out, data, context);
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_general_context_free(memory);
    return ok;
}

/* The first character that PCRE2 may know otherwise than Oniguruma, or length. */
static size_t find_unknown(const char *s, size_t length) {
    uint32_t c;
    for (size_t at = 0, size; at < length; at += size) {
        size = utf8_decode(s + at, length - at, &c);
        if (c >= 0x80 && unicode_stand_in(c) != c) return at;
    }
    return length;
}

/* A copy with stand-ins, each as long as what it stands for. */
static char *copy_with_stand_ins(const char *s, size_t length, size_t from) {
    char *copy = memory_copy(s, length);
    uint32_t c;
    for (size_t at = from, size; copy && at < length; at += size) {
        size = utf8_decode(s + at, length - at, &c);
        if (c >= 0x80) utf8_encode(unicode_stand_in(c), copy + at);
    }
    return copy;
}

bool regex_find_all(const regex *r, const char *s, size_t length, ranges *out) {
    if (length == 0) return true;
    if (r->literal) return find_literal(r, s, length, out);
    size_t unknown = find_unknown(s, length);
    if (unknown == length) return find_with_pattern(r, s, length, out);
    char *copy = copy_with_stand_ins(s, length, unknown);
    bool ok = copy && find_with_pattern(r, copy, length, out);
    memory_free(copy);
    return ok;
}
