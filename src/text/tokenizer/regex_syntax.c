/* Rewrites Oniguruma's Ruby syntax for PCRE2 (UTF, UCP, MULTILINE): classes that cover other characters, the `m` flag, interval
   quantifiers. What has no equivalent is refused, never guessed. Whether the pattern is well formed is left to PCRE2. */
#include "tokenizer/regex.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "tarn/error.h"

enum { DEEPEST = 100 };

typedef struct {
    const char *at, *end;
    text *out, *why;
    size_t atom;            /* where the last atom begins in out; SIZE_MAX if a quantifier may not follow */
    size_t groups[DEEPEST]; /* where the open groups begin */
    bool outside[DEEPEST];  /* `caseless` outside of the open groups */
    int depth;
    bool caseless;
    uint32_t previous; /* the plain character just read, in lower case; 0 if there was something else */
} rewriter;

static bool refuse(rewriter *r, const char *what) {
    text_format(r->why, "%s is not supported", what);
    return false;
}

static bool follows(const rewriter *r, const char *what) {
    size_t length = strlen(what);
    return (size_t)(r->end - r->at) >= length && memcmp(r->at, what, length) == 0;
}

/* Copies count bytes of the pattern. */
static bool copy(rewriter *r, size_t count) {
    size_t left = (size_t)(r->end - r->at);
    if (count > left) count = left;
    bool ok = text_append(r->out, r->at, count);
    r->at += count;
    return ok;
}

static bool put(rewriter *r, const char *replacement, size_t consumed) {
    r->at += consumed;
    return text_add(r->out, replacement);
}

/* Oniguruma's word characters; outside of classes it has an older table for Latin-1, with superscripts and fractions. */
#define WORD_IN_CLASS "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"
#define WORD          WORD_IN_CLASS "\\xB2\\xB3\\xB9\\xBC-\\xBE"

/* What \x means where the two engines differ: outside of a class, and inside of one ("" for: cannot be said there). */
static const struct {
    char letter;
    const char *outside, *inside;
} escapes[] = {
    {'s', "\\p{White_Space}", "\\p{White_Space}"},
    {'S', "\\P{White_Space}", "\\P{White_Space}"},
    {'w', "[" WORD "]", WORD_IN_CLASS},
    {'W', "[^" WORD "]", ""},
    {'d', "\\p{Nd}", "\\p{Nd}"},
    {'D', "\\P{Nd}", "\\P{Nd}"},
    {'h', "[0-9A-Fa-f]", "0-9A-Fa-f"},
    {'H', "[^0-9A-Fa-f]", ""},
    {'v', "\\x0B", "\\x0B"},
    {'b',
     "(?:(?<=[" WORD "])(?![" WORD "])|"
     "(?<![" WORD "])(?=[" WORD "]))",
     "\\x08"},
    {'B',
     "(?:(?<=[" WORD "])(?=[" WORD "])|"
     "(?<![" WORD "])(?![" WORD "]))",
     ""},
};

static const char SEVERAL[] = "ignoring the case of letters whose fold is more than one letter";

/* A letter of first to last folds to several, or is a mark that stands in such a fold. */
static bool several_between(uint32_t first, uint32_t last) {
    static const uint32_t bad[][2] = {{0xDF, 0xDF},   {0x130, 0x130}, {0x149, 0x149},   {0x1F0, 0x1F0},   {0x300, 0x36F},  {0x390, 0x390},
                                      {0x3B0, 0x3B0}, {0x587, 0x587}, {0x1E96, 0x1E9E}, {0x1F50, 0x1FFC}, {0xFB00, 0xFB17}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (first <= bad[i][1] && last >= bad[i][0]) return true;
    return false;
}

/* \uHHHH becomes \x{HHHH}. */
static bool rewrite_code_point(rewriter *r) {
    if (r->end - r->at < 6) return refuse(r, "\\u without four digits");
    bool ok = text_format(r->out, "\\x{%.4s}", r->at + 2);
    r->at += 6;
    return ok;
}

/* \xHH: one or two digits, none for NUL. */
static bool copy_byte(rewriter *r) {
    size_t digits = 0;
    while (digits < 2 && r->at + 2 + digits < r->end && isxdigit((unsigned char)r->at[2 + digits])) digits++;
    return copy(r, 2 + digits);
}

/* \x{…}, \k<…>, \g<…>: up to and with the closing bracket. */
static bool copy_braced(rewriter *r) {
    char close = r->at + 2 < r->end && r->at[2] == '{' ? '}' : r->at + 2 < r->end && r->at[2] == '<' ? '>' : 0;
    const char *found = close ? memchr(r->at, close, (size_t)(r->end - r->at)) : NULL;
    return copy(r, found ? (size_t)(found - r->at) + 1 : 2);
}

/* L, Nd, any; what is no general category is taken for a script. */
static bool is_category(const char *name, size_t length) {
    static const char kinds[] = "LMNPSZC", parts[] = "ultmonedlcpsifk";
    if (length == 3) return strncasecmp(name, "any", 3) == 0;
    if (length == 0 || length > 2 || !strchr(kinds, name[0] & ~32)) return false;
    return length == 1 || strchr(parts, name[1] | 32);
}

/* \p{…} and \P{…}: PCRE2's plain script names cover characters that several scripts share, too. */
static bool rewrite_property(rewriter *r) {
    const char *name = r->at + 3, *close = r->at + 2 < r->end && r->at[2] == '{' ? memchr(name, '}', (size_t)(r->end - name)) : NULL;
    if (!close) return refuse(r, "\\p without a name in braces");
    bool not = name < close && *name == '^';
    name += not ;
    const char *kind = is_category(name, (size_t)(close - name)) ? "" : "sc:";
    bool ok = text_format(r->out, "\\%c{%s%s%.*s}", r->at[1], not ? "^" : "", kind, (int)(close - name), name);
    r->at = close + 1;
    return ok;
}

/* `is_set` tells that the escape stands for more than one character, so that it cannot begin a range. */
static bool rewrite_escape(rewriter *r, bool in_class, bool *is_set) {
    if (r->end - r->at < 2) return refuse(r, "a backslash at the end");
    char letter = r->at[1];
    *is_set = strchr("sSwWdDhHpP", letter) != NULL;
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        if (escapes[i].letter != letter) continue;
        const char *replacement = in_class ? escapes[i].inside : escapes[i].outside;
        char name[3] = {'\\', letter, 0};
        return *replacement ? put(r, replacement, 2) : refuse(r, name);
    }
    if (letter == 'u') return rewrite_code_point(r);
    if (in_class && r->caseless && strchr("pPux", letter)) return refuse(r, "ignoring the case of a set or number inside of a class");
    if (letter == 'p' || letter == 'P') return rewrite_property(r);
    if (letter == 'x' && !follows(r, "\\x{")) return copy_byte(r);
    if (strchr("xkg", letter)) return copy_braced(r);
    bool word = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
    if (word && !strchr(in_class ? "tnrfae" : "tnrfaeAzZGKR", letter)) {
        char name[3] = {'\\', letter, 0};
        return refuse(r, name);
    }
    return copy(r, 2);
}

/* [:alpha:], [:alnum:] and [:lower:] are left out: properties that changed for old characters since the Unicode of PCRE2 10.42. */
static bool rewrite_posix_class(rewriter *r) {
    if (r->caseless) return refuse(r, "ignoring the case of a set inside of a class");
    static const char *const names[][2] = {
        {"[:digit:]", "\\p{Nd}"},      {"[:space:]", "\\p{White_Space}"}, {"[:upper:]", "\\p{Uppercase}"},
        {"[:punct:]", "\\p{P}\\p{S}"}, {"[:cntrl:]", "\\p{Cc}"},          {"[:ascii:]", "\\x00-\\x7F"},
        {"[:xdigit:]", "0-9A-Fa-f"},   {"[:blank:]", "\\t\\p{Zs}"},       {"[:word:]", WORD_IN_CLASS},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (follows(r, names[i][0])) return put(r, names[i][1], strlen(names[i][0]));
    return refuse(r, "this class inside of a class");
}

static bool rewrite_set(rewriter *r, int depth);

/* A class inside of a class adds its characters; those of an inverted one cannot be listed. */
static bool rewrite_inner_class(rewriter *r, int depth) {
    if (follows(r, "[:")) return rewrite_posix_class(r);
    if (follows(r, "[^")) return refuse(r, "an inverted class inside of a class");
    if (depth == DEEPEST) return refuse(r, "a nesting of more than 100 classes");
    return put(r, "", 1) && rewrite_set(r, depth + 1) && put(r, "", 1);
}

/* A plain character; `low` is the one that a range to it begins with, else the same. */
static bool rewrite_member(rewriter *r, uint32_t low, uint32_t c, size_t size) {
    if (r->caseless && several_between(low < c ? low : c, c)) return refuse(r, SEVERAL);
    return copy(r, size ? size : 1);
}

/* What stands in a class, up to its closing bracket. A hyphen stands for itself behind a set, at the beginning and at the end. */
static bool rewrite_set(rewriter *r, int depth) {
    bool ok = true, alone = !follows(r, "]"), in_range = false;
    uint32_t low = 0, c = 0;
    if (!alone) ok = put(r, "\\]", 1);
    while (ok && r->at < r->end && *r->at != ']') {
        bool plain_hyphen = *r->at == '-' && (alone || follows(r, "-]")), hyphen = *r->at == '-' && !plain_hyphen && !in_range;
        alone = false;
        if (*r->at == '\\') {
            low = 0;
            ok = rewrite_escape(r, true, &alone);
        } else if (*r->at == '[') {
            ok = rewrite_inner_class(r, depth);
            alone = true;
        } else if (follows(r, "&&")) {
            ok = refuse(r, "an intersection of classes");
        } else if (plain_hyphen) {
            ok = put(r, "\\-", 1);
        } else if (follows(r, "-[")) {
            ok = refuse(r, "a range that ends in a class");
        } else {
            size_t size = utf8_decode(r->at, (size_t)(r->end - r->at), &c);
            ok = rewrite_member(r, in_range ? low : c, c, size);
            if (!hyphen) low = c;
        }
        in_range = hyphen;
    }
    return ok && (r->at < r->end || refuse(r, "a class that does not end"));
}

static bool rewrite_class(rewriter *r) {
    return copy(r, follows(r, "[^") ? 2 : 1) && rewrite_set(r, 0) && copy(r, 1);
}

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
    /* In Ruby flags without a group reach over the bars behind them, in PCRE2 too, but only from the beginning of a group. */
    size_t opened = r->depth > 0 ? r->groups[r->depth - 1] : 0;
    bool first =
        begin == 0 || (r->depth > 0 && (begin == opened + 1 || memcmp(r->out->bytes + opened, "(?:", 3) == 0) && begin == opened + 3);
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

/* Oniguruma ignores case between "ss" and sharp s too, and so for some thirty ligatures and composed letters; PCRE2 folds one to one. */
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
    bool is_set;
    uint32_t before = r->previous;
    size_t interval = *r->at == '{' ? interval_length(r) : 0;
    r->previous = 0;
    if (interval) return rewrite_interval(r, interval);
    if (*r->at == '(') return rewrite_group(r);
    if (*r->at == ')') return close_group(r);
    if (strchr("*+?", *r->at)) return copy(r, 1);
    r->atom = *r->at == '|' ? SIZE_MAX : r->out->length;
    if (*r->at == '\\') return rewrite_escape(r, false, &is_set);
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
