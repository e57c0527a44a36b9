/* Rewrites Oniguruma's Ruby syntax for PCRE2 (UTF, UCP, MULTILINE): groups, the `m` flag, interval quantifiers. What
   has no equivalent is refused, never guessed. Whether the pattern is well formed is left to PCRE2. */
#include "tokenizer/regex.h"

#include "tokenizer/regex_rewriter.h"

static void open_group(rewriter *r, size_t begin) {
    r->outside[r->depth] = r->caseless;
    r->groups[r->depth++] = begin;
    r->atom = SIZE_MAX;
}

/* "(?imx-imx)" or "(?imx-imx:": Ruby's m is PCRE2's s. */
static bool rewrite_flags(rewriter *r, size_t begin) {
    bool isolated = false, on = true, caseless = r->caseless;
    for (r->at += 2; r->at < r->end; r->at++) {
        if (*r->at == ')' || *r->at == ':') {
            isolated = *r->at == ')';
            break;
        }
        if (!strchr("imx-", *r->at)) return refuse(r, "this kind of group");
        if (*r->at == '-') on = false;
        if (*r->at == 'i') caseless = on;
        if (!text_add_char(r->out, *r->at == 'm' ? 's' : *r->at)) return false;
    }
    /* In Ruby flags without a group reach over the bars behind them, in PCRE2 too, but only from the beginning of a
     * group. */
    size_t opened = r->depth > 0 ? r->groups[r->depth - 1] : 0;
    bool first =
        begin == 0 ||
        (r->depth > 0 && (begin == opened + 1 || memcmp(r->out->bytes + opened, "(?:", 3) == 0) && begin == opened + 3);
    if (isolated && !first) return refuse(r, "a flag in the middle of a group");
    if (!isolated) open_group(r, begin);
    r->caseless = caseless;
    return copy(r, 1);
}

static bool rewrite_group(rewriter *r) {
    size_t begin = r->out->length;
    if (r->depth == DEEPEST) return refuse(r, "a nesting of more than 100 groups");
    if (follows(r, "(?#")) {
        const char *close = memchr(r->at, ')', (size_t)(r->end - r->at));
        r->at = close ? close + 1 : r->end;
        return true;
    }
    static const char *const openings[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        if (!follows(r, openings[i])) continue;
        open_group(r, begin);
        return copy(r, strlen(openings[i]));
    }
    if (follows(r, "(*")) return refuse(r, "a verb");
    if (follows(r, "(?") && !follows(r, "(?<")) return text_add(r->out, "(?") && rewrite_flags(r, begin);
    open_group(r, begin);
    return copy(r, follows(r, "(?<") ? 3 : 1);
}

/* The length of "{n}", "{n,}", "{,m}" or "{n,m}" at the cursor, or 0. */
static size_t interval_length(const rewriter *r) {
    const char *p = r->at + 1;
    size_t digits = 0, commas = 0;
    for (; p < r->end && ((*p >= '0' && *p <= '9') || *p == ','); p++) {
        if (*p == ',')
            commas++;
        else
            digits++;
    }
    return p < r->end && *p == '}' && digits > 0 && commas <= 1 ? (size_t)(p - r->at) + 1 : 0;
}

/* In Ruby "{n,m}+" repeats the interval, and so does "{n}?"; to PCRE2 they are possessive and lazy. */
static bool rewrite_interval(rewriter *r, size_t length) {
    size_t atom = r->atom;
    bool exact = memchr(r->at, ',', length) == NULL;
    bool ok = r->at[1] == ',' ? put(r, "{0", 1) && copy(r, length - 1) : copy(r, length);
    if (!ok || r->at == r->end || atom == SIZE_MAX) return ok;
    if (*r->at != '+' && !(*r->at == '?' && exact)) return true;
    text rest = {0};
    ok = text_append(&rest, r->out->bytes + atom, r->out->length - atom);
    r->out->length = atom;
    ok = ok && text_format(r->out, "(?:%s)", text_string(&rest)) && copy(r, 1);
    text_free(&rest);
    return ok;
}

static bool close_group(rewriter *r) {
    if (r->depth == 0) return refuse(r, "a bracket that was never opened");
    r->atom = r->groups[--r->depth];
    r->caseless = r->outside[r->depth];
    return copy(r, 1);
}

/* Oniguruma ignores case between "ss" and sharp s too, and so for some thirty ligatures and composed letters; PCRE2
 * folds one to one. */
static bool folds_to_several(rewriter *r, uint32_t c) {
    static const char *const pairs[] = {"ss", "ff", "fi", "fl", "st"};
    uint32_t lower = c >= 'A' && c <= 'Z' ? c + 32 : c;
    bool bad = several_between(c, c);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        bad = bad || (r->previous == (uint32_t)pairs[i][0] && lower == (uint32_t)pairs[i][1]);
    r->previous = lower;
    return bad && r->caseless;
}

static bool rewrite_literal(rewriter *r, uint32_t before) {
    uint32_t c = 0;
    size_t size = utf8_decode(r->at, (size_t)(r->end - r->at), &c);
    r->previous = before;
    if (folds_to_several(r, c)) return refuse(r, SEVERAL);
    return copy(r, size ? size : 1);
}

static bool rewrite_next(rewriter *r) {
    uint32_t before = r->previous;
    size_t interval = *r->at == '{' ? interval_length(r) : 0;
    r->previous = 0;
    if (interval) return rewrite_interval(r, interval);
    if (*r->at == '(') return rewrite_group(r);
    if (*r->at == ')') return close_group(r);
    if (strchr("*+?", *r->at)) return copy(r, 1);
    r->atom = *r->at == '|' ? SIZE_MAX : r->out->length;
    if (*r->at == '\\') return rewrite_escape(r);
    if (*r->at == '[') return rewrite_class(r);
    if (*r->at == '{') return put(r, "\\{", 1);
    return rewrite_literal(r, before);
}

bool regex_translate(const char *pattern, size_t length, text *out, text *why) {
    rewriter r = {.at = pattern, .end = pattern + length, .out = out, .why = why, .atom = SIZE_MAX};
    if (memchr(pattern, 0, length)) return refuse(&r, "a NUL character");
    while (r.at < r.end)
        if (!rewrite_next(&r)) return false;
    return true;
}
