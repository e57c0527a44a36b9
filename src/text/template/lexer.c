/* Source to tokens. What Jinja does with white space around tags (trim_blocks, lstrip_blocks, "-" and "+" signs)
   happens here and nowhere else. Literals stay as they are written: literal.c reads them. */
#include <string.h>

#include "base/text.h"
#include "unicode/characters.h"
#include "template/token.h"
#include "tarn/error.h"

enum { DEEPEST_BRACKETS = 256 };

typedef struct {
    const char *source, *at, *end, *name;
    const char *counted; /* how far line and column are known */
    uint32_t line, column;
    token_list *tokens;
    char closing[DEEPEST_BRACKETS]; /* brackets that wait to be closed */
    size_t open;
} lexer;

static void count_to(lexer *l, const char *to) {
    for (; l->counted < to; l->counted++) {
        if (*l->counted == '\n') {
            l->line++;
            l->column = 1;
        } else if (((unsigned char)*l->counted & 0xC0) != 0x80) {
            l->column++;
        }
    }
}

static bool lex_fail(lexer *l, const char *what) {
    count_to(l, l->at);
    return tarn_fail("%s:%u:%u: %s", l->name, l->line, l->column, what);
}

static bool emit(lexer *l, token_kind kind, const char *start, const char *end) {
    count_to(l, start);
    token t = {kind, l->line, l->column, start, (size_t)(end - start)};
    return vector_push(l->tokens, t);
}

static bool next_is(const lexer *l, const char *p, const char *wanted) {
    size_t length = strlen(wanted);
    return (size_t)(l->end - p) >= length && memcmp(p, wanted, length) == 0;
}

static const char *skip_space(const lexer *l, const char *p) {
    uint32_t c;
    for (size_t size; p < l->end && (size = utf8_decode(p, (size_t)(l->end - p), &c)) && character_is_space(c);)
        p += size;
    return p;
}

/* Where the white space at the end of begin .. end begins. */
static const char *strip_right(const char *begin, const char *end) {
    while (end > begin) {
        const char *p = end - 1;
        while (p > begin && ((unsigned char)*p & 0xC0) == 0x80) p--;
        uint32_t c;
        if (!utf8_decode(p, (size_t)(end - p), &c) || !character_is_space(c)) break;
        end = p;
    }
    return end;
}

/* The end of the text before a tag: "-" takes all white space, lstrip_blocks that between a line's beginning and the
 * tag. */
static const char *text_end(const lexer *l, const char *begin, const char *end, char sign, bool variable) {
    if (sign == '-') return strip_right(begin, end);
    if (sign == '+' || variable) return end;
    const char *line = end;
    while (line > begin && line[-1] != '\n') line--;
    bool at_line_start = line > begin || begin == l->source || begin[-1] == '\n';
    return at_line_start && strip_right(line, end) == line ? line : end;
}

static bool emit_text(lexer *l, const char *begin, const char *end) {
    return begin == end || emit(l, TOKEN_DATA, begin, end);
}

static char sign_at(const lexer *l, const char *p) {
    return p < l->end && (*p == '-' || *p == '+') ? *p : 0;
}

/* The end of a closing tag at p, such as "%}" with its sign and the white space it takes, or NULL. */
static const char *closing_tag(const lexer *l, const char *p, const char *tag, bool plus, bool trims_newline) {
    char sign = sign_at(l, p);
    if (sign == '+' && !plus) return NULL;
    if (!next_is(l, p + (sign != 0), tag)) return NULL;
    p += (sign != 0) + 2;
    if (sign == '-') return skip_space(l, p);
    return !sign && trims_newline && next_is(l, p, "\n") ? p + 1 : p;
}

/* The end of `{% word %}` that begins at p, or NULL. */
static const char *word_tag(const lexer *l, const char *p, const char *word, bool raw_end) {
    p = skip_space(l, p + 2 + (sign_at(l, p + 2) != 0));
    if (!next_is(l, p, word)) return NULL;
    return closing_tag(l, skip_space(l, p + strlen(word)), "%}", raw_end, raw_end);
}

static bool lex_comment(lexer *l, const char *begin) {
    const char *p = begin;
    while (p < l->end && !next_is(l, p, "#}")) p++;
    if (begin == l->end)
        return l->at = begin, true; /* Jinja does not mind a comment or raw text that ends before it begins */
    if (p >= l->end) return lex_fail(l, "Missing end of comment tag");
    if (p > begin && sign_at(l, p - 1)) p--;
    l->at = closing_tag(l, p, "#}", true, true);
    return true;
}

static bool lex_raw(lexer *l, const char *begin) {
    if (begin == l->end) return l->at = begin, true;
    for (const char *p = begin; p < l->end; p++) {
        const char *after = next_is(l, p, "{%") ? word_tag(l, p, "endraw", true) : NULL;
        if (!after) continue;
        l->at = after;
        return emit_text(l, begin, text_end(l, begin, p, sign_at(l, p + 2), false));
    }
    return lex_fail(l, "Missing end of raw directive");
}

static const char *digits(const lexer *l, const char *p) {
    while (p < l->end && (unsigned)(*p - '0') < 10) {
        p++;
        if (p + 1 < l->end && *p == '_' && (unsigned)(p[1] - '0') < 10) p++;
    }
    return p;
}

/* The end of a number with a fraction or an exponent, or NULL if it has neither. */
static const char *real_end(const lexer *l, const char *p) {
    const char *whole_end = digits(l, p), *q = whole_end;
    if (q + 1 < l->end && *q == '.' && (unsigned)(q[1] - '0') < 10) q = digits(l, q + 1);
    if (q + 1 < l->end && (*q == 'e' || *q == 'E')) {
        const char *exponent = q + 1 + (q[1] == '+' || q[1] == '-');
        if (exponent < l->end && (unsigned)(*exponent - '0') < 10) q = digits(l, exponent);
    }
    return q == whole_end ? NULL : q;
}

static const char *radix_end(const lexer *l, const char *p, const char *allowed) {
    const char *q = p + 2, *best = NULL;
    for (; q < l->end; q++) {
        if (*q == '_' && q + 1 < l->end && q[1]) q++;
        if (q >= l->end || !*q || !strchr(allowed, *q)) break;
        best = q + 1;
    }
    return best;
}

static const char *integer_end(const lexer *l, const char *p) {
    if (*p == '0' && p + 1 < l->end) {
        char c = (char)(p[1] | 0x20);
        const char *allowed = c == 'x' ? "0123456789abcdefABCDEF" : c == 'o' ? "01234567" : c == 'b' ? "01" : NULL;
        const char *end = allowed ? radix_end(l, p, allowed) : NULL;
        if (end) return end;
    }
    if (*p != '0') return digits(l, p);
    do p++;
    while (p < l->end && (*p == '0' || (*p == '_' && p + 1 < l->end && p[1] == '0')));
    return p;
}

static bool lex_number(lexer *l) {
    bool after_dot = l->at > l->source && l->at[-1] == '.';
    const char *end = after_dot ? NULL : real_end(l, l->at);
    token_kind kind = end ? TOKEN_REAL : TOKEN_INTEGER;
    if (!end) end = integer_end(l, l->at);
    if (!emit(l, kind, l->at, end)) return false;
    l->at = end;
    return true;
}

/* The bytes of a letter, digit or underscore at p; 0 if there is none. */
static size_t word_character(const lexer *l, const char *p, bool first) {
    uint32_t c;
    size_t size = p < l->end ? utf8_decode(p, (size_t)(l->end - p), &c) : 0;
    if (!size) return 0;
    return c == '_' || (first ? character_is_letter(c) : character_is_word(c)) ? size : 0;
}

static bool lex_name(lexer *l) {
    const char *end = l->at;
    for (size_t size; (size = word_character(l, end, false));) end += size;
    if (!emit(l, TOKEN_NAME, l->at, end)) return false;
    l->at = end;
    return true;
}

static bool lex_string(lexer *l) {
    const char *p = l->at + 1;
    while (p < l->end && *p != *l->at) p += *p == '\\' ? 2 : 1;
    if (p >= l->end) return lex_fail(l, "this string has no end");
    if (!emit(l, TOKEN_STRING, l->at, p + 1)) return false;
    l->at = p + 1;
    return true;
}

static bool balance(lexer *l, char c) {
    char message[40] = "unexpected 'x', expected 'y'";
    const char *pair = strchr("()[]{}", c);
    if (!pair) return true;
    if ((pair - "()[]{}") % 2 == 0 || strchr("([{", c)) {
        if (l->open == DEEPEST_BRACKETS) return lex_fail(l, "brackets are nested too deeply");
        l->closing[l->open++] = pair[1];
        return true;
    }
    message[12] = c;
    if (l->open == 0) return message[14] = 0, lex_fail(l, message);
    message[26] = l->closing[--l->open];
    return message[26] == c || lex_fail(l, message);
}

static bool unexpected_character(lexer *l) {
    char message[32] = "unexpected char '";
    uint32_t c;
    size_t size = utf8_decode(l->at, (size_t)(l->end - l->at), &c), length = strlen(message);
    memcpy(message + length, l->at, size);
    message[length + size] = '\'';
    return lex_fail(l, message);
}

static bool lex_operator(lexer *l) {
    static const char doubles[][3] = {"//", "**", "==", "!=", ">=", "<="}, singles[] = "+-/*%~[](){}><=.:|,;";
    for (int i = 0; i < (int)(sizeof doubles / sizeof *doubles); i++)
        if (next_is(l, l->at, doubles[i])) {
            l->at += 2;
            return emit(l, (token_kind)((int)TOKEN_FLOOR_DIVIDE + i), l->at - 2, l->at);
        }
    const char *found = *l->at ? strchr(singles, *l->at) : NULL;
    if (!found) return unexpected_character(l);
    if (!balance(l, *l->at)) return false;
    l->at++;
    return emit(l, (token_kind)((int)TOKEN_ADD + (int)(found - singles)), l->at - 1, l->at);
}

static bool lex_one(lexer *l) {
    if ((unsigned)(*l->at - '0') < 10) return lex_number(l);
    if (*l->at == '\'' || *l->at == '"') return lex_string(l);
    return word_character(l, l->at, true) ? lex_name(l) : lex_operator(l);
}

/* Everything between "{{" or "{%" and its end. Inside brackets the end tag is not looked for, as in Jinja. */
static bool lex_code(lexer *l, bool variable) {
    for (;;) {
        const char *after = l->open ? NULL : closing_tag(l, l->at, variable ? "}}" : "%}", !variable, !variable);
        if (after) {
            bool ok = emit(l, variable ? TOKEN_VARIABLE_END : TOKEN_BLOCK_END, l->at, after);
            l->at = after;
            return ok;
        }
        l->at = skip_space(l, l->at);
        if (l->at >= l->end) return true;
        after = l->open ? NULL : closing_tag(l, l->at, variable ? "}}" : "%}", !variable, !variable);
        if (!after && !lex_one(l)) return false;
    }
}

/* Text up to the next tag, and the tag with all that is in it. */
static bool lex_text_and_tag(lexer *l) {
    const char *begin = l->at, *p = begin;
    while (p < l->end && !(*p == '{' && p + 1 < l->end && strchr("{%#", p[1]) && p[1])) p++;
    if (p >= l->end) return l->at = l->end, emit_text(l, begin, l->end);
    bool variable = p[1] == '{';
    char sign = sign_at(l, p + 2);
    if (!emit_text(l, begin, text_end(l, begin, p, sign, variable))) return false;
    const char *inside = p + 2 + (sign != 0);
    l->at = p;
    if (p[1] == '#') return lex_comment(l, inside);
    const char *raw = variable ? NULL : word_tag(l, p, "raw", false);
    if (raw) return lex_raw(l, raw);
    l->at = inside;
    return emit(l, variable ? TOKEN_VARIABLE_BEGIN : TOKEN_BLOCK_BEGIN, p, inside) && lex_code(l, variable);
}

bool template_tokenize(const char *source, size_t length, const char *name, token_list *tokens) {
    lexer l = {.source = source,
               .at = source,
               .end = source + length,
               .counted = source,
               .name = name,
               .line = 1,
               .column = 1};
    l.tokens = tokens;
    while (l.at < l.end)
        if (!lex_text_and_tag(&l)) return false;
    return emit(&l, TOKEN_END, l.end, l.end);
}
