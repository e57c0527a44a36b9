/* Rewrites what matches one character: escapes, properties and classes. PCRE2's classes know no intersection and no
   inverted class inside of another, so a class that has one becomes a group of alternatives and look-aheads, each of
   which matches one character. */
#include <ctype.h>
#include <strings.h>

#include "tokenizer/regex.h"
#include "tokenizer/regex_rewriter.h"

/* Oniguruma's word characters; outside of classes it has an older table for Latin-1, with superscripts and fractions.
 */
#define WORD_IN_CLASS "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"
#define WORD          WORD_IN_CLASS "\\xB2\\xB3\\xB9\\xBC-\\xBE"

/* A grapheme cluster. PCRE2 10.42's own does not end between two pictographs behind a mark. */
#define EXTENDS "\\p{Grapheme_Extend}\\p{Emoji_Modifier}"
#define CLUSTER "(?>\\p{ExtPict}(?:[" EXTENDS "]*+\\x{200D}\\p{ExtPict})*+[" EXTENDS "\\x{200D}\\p{Mc}]*+|\\X)"

/* What \x means where the two engines differ: outside of a class, and inside of one ("" for: not by members). */
static const struct {
    char letter;
    const char *outside, *inside, *complement; /* complement: what it is not, where that is all that can be said */
} escapes[] = {
    {'s', "\\p{White_Space}", "\\p{White_Space}", NULL},
    {'S', "\\P{White_Space}", "\\P{White_Space}", NULL},
    {'w', "[" WORD "]", WORD_IN_CLASS, NULL},
    {'W', "[^" WORD "]", "", WORD_IN_CLASS},
    {'d', "\\p{Nd}", "\\p{Nd}", NULL},
    {'D', "\\P{Nd}", "\\P{Nd}", NULL},
    {'h', "[0-9A-Fa-f]", "0-9A-Fa-f", NULL},
    {'H', "[^0-9A-Fa-f]", "", "0-9A-Fa-f"},
    {'v', "\\x0B", "\\x0B", NULL},
    {'b',
     "(?:(?<=[" WORD "])(?![" WORD "])|"
     "(?<![" WORD "])(?=[" WORD "]))",
     "\\x08", NULL},
    {'B',
     "(?:(?<=[" WORD "])(?=[" WORD "])|"
     "(?<![" WORD "])(?![" WORD "]))",
     "", NULL},
    {'O', "[\\x00-\\x{10FFFF}]", "", NULL},
    {'X', CLUSTER, "", NULL},
};

/* A letter of first to last folds to several, or is a mark that stands in such a fold. */
bool several_between(uint32_t first, uint32_t last) {
    static const uint32_t bad[][2] = {{0xDF, 0xDF},     {0x130, 0x130},   {0x149, 0x149},  {0x1F0, 0x1F0},
                                      {0x300, 0x36F},   {0x390, 0x390},   {0x3B0, 0x3B0},  {0x587, 0x587},
                                      {0x1E96, 0x1E9E}, {0x1F50, 0x1FFC}, {0xFB00, 0xFB17}};
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

/* ---- properties */

/* Unicode 16 has made these older characters alphabetic and lower case since PCRE2's Unicode 14. */
#define ALPHABETIC "\\p{Alphabetic}\\x{363}-\\x{36F}\\x{C04}\\x{F82}\\x{F83}\\x{1DD3}-\\x{1DE6}\\x{11080}\\x{11081}"
#define LOWERCASE  "\\p{Lowercase}\\x{10FC}\\x{A7F2}-\\x{A7F4}\\x{AB69}"

/* What Oniguruma calls a property besides general categories and scripts: \p{Name}, and [:name:] in a class. Names are
   compared without case, blanks, hyphens and underscores. */
static const struct {
    const char *name, *members; /* in a class */
    bool bracket;               /* [:name:] too */
} properties[] = {
    {"alpha", ALPHABETIC, true},
    {"alnum", ALPHABETIC "\\p{Nd}", true},
    {"upper", "\\p{Uppercase}", true},
    {"lower", LOWERCASE, true},
    {"digit", "\\p{Nd}", true},
    {"space", "\\p{White_Space}", true},
    {"blank", "\\t\\p{Zs}", true},
    {"cntrl", "\\p{Cc}", true},
    {"punct", "\\p{P}", false}, /* [:punct:] has the symbols too */
    {"graph", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}", true},
    {"print", "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}\\p{Zs}", true},
    {"xdigit", "0-9A-Fa-f", true},
    {"word", WORD, false},
    {"word", WORD_IN_CLASS, true},
    {"ascii", "\\x00-\\x7F", true},
    {"any", "\\x00-\\x{10FFFF}", false},
    {"assigned", "\\P{Cn}", false},
    {"alphabetic", ALPHABETIC, false},
    {"uppercase", "\\p{Uppercase}", false},
    {"lowercase", LOWERCASE, false},
    {"whitespace", "\\p{White_Space}", false},
    {"ideographic", "\\p{Ideographic}", false},
    {"letter", "\\p{L}", false},
    {"casedletter", "\\p{Lu}\\p{Ll}\\p{Lt}", false},
    {"lc", "\\p{Lu}\\p{Ll}\\p{Lt}", false},
    {"uppercaseletter", "\\p{Lu}", false},
    {"lowercaseletter", "\\p{Ll}", false},
    {"titlecaseletter", "\\p{Lt}", false},
    {"modifierletter", "\\p{Lm}", false},
    {"otherletter", "\\p{Lo}", false},
    {"mark", "\\p{M}", false},
    {"combiningmark", "\\p{M}", false},
    {"nonspacingmark", "\\p{Mn}", false},
    {"spacingmark", "\\p{Mc}", false},
    {"enclosingmark", "\\p{Me}", false},
    {"number", "\\p{N}", false},
    {"decimalnumber", "\\p{Nd}", false},
    {"letternumber", "\\p{Nl}", false},
    {"othernumber", "\\p{No}", false},
    {"punctuation", "\\p{P}", false},
    {"symbol", "\\p{S}", false},
    {"mathsymbol", "\\p{Sm}", false},
    {"currencysymbol", "\\p{Sc}", false},
    {"separator", "\\p{Z}", false},
    {"spaceseparator", "\\p{Zs}", false},
    {"other", "\\p{C}", false},
    {"control", "\\p{Cc}", false},
    {"format", "\\p{Cf}", false},
};

static bool same_name(const char *name, const char *s, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (s[i] == ' ' || s[i] == '-' || s[i] == '_') continue;
        if (!*name || tolower((unsigned char)s[i]) != *name++) return false;
    }
    return !*name;
}

/* The members of a property, or NULL. */
static const char *find_property(const char *s, size_t length, bool bracket) {
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        if ((!bracket || properties[i].bracket) && same_name(properties[i].name, s, length))
            return properties[i].members;
    return NULL;
}

/* L, Nd; what is neither that nor in the table is taken for a script. */
static bool is_category(const char *name, size_t length) {
    static const char kinds[] = "LMNPSZC", parts[] = "ultmonedlcpsifk";
    if (length == 0 || length > 2 || !strchr(kinds, name[0] & ~32)) return false;
    return length == 1 || strchr(parts, name[1] | 32);
}

/* ---- classes */

/* A class being read: characters that stand in one class of PCRE2; alternatives for other sets, each with a bar before
   it; and the operands before an intersection, as look-aheads. */
typedef struct {
    text plain, others, before;
} class_parts;

static void free_parts(class_parts *c) {
    text_free(&c->plain);
    text_free(&c->others);
    text_free(&c->before);
}

/* Members of a class, or what is not among them. */
static bool add_members(class_parts *c, const char *members, bool inverted) {
    return inverted ? text_format(&c->others, "|[^%s]", members) : text_add(&c->plain, members);
}

/* \p{…} and \P{…}: PCRE2's plain script names cover characters that several scripts share, too. */
static bool read_property(rewriter *r, class_parts *c) {
    const char *name = r->at + 3,
               *close = r->at + 2 < r->end && r->at[2] == '{' ? memchr(name, '}', (size_t)(r->end - name)) : NULL;
    if (!close) return refuse(r, "\\p without a name in braces");
    bool inverted = r->at[1] == 'P', hat = name < close && *name == '^';
    name += hat;
    size_t length = (size_t)(close - name);
    r->at = close + 1;
    const char *members = find_property(name, length, false), *kind = is_category(name, length) ? "" : "sc:";
    if (members && r->caseless) return refuse(r, "ignoring the case of this property");
    if (members) return add_members(c, members, inverted != hat);
    return text_format(&c->plain, "\\%c{%s%.*s}", inverted != hat ? 'P' : 'p', kind, (int)length, name);
}

/* An escape in a class; `is_set` tells that it stands for more than one character, so that it cannot begin a range. */
static bool read_escape(rewriter *r, class_parts *c, bool *is_set) {
    if (r->end - r->at < 2) return refuse(r, "a backslash at the end");
    char letter = r->at[1];
    *is_set = strchr("sSwWdDhHpP", letter) != NULL;
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        if (escapes[i].letter != letter) continue;
        r->at += 2;
        if (*escapes[i].inside) return text_add(&c->plain, escapes[i].inside);
        char name[3] = {'\\', letter, 0};
        if (r->caseless || !escapes[i].complement) return refuse(r, name);
        return add_members(c, escapes[i].complement, true);
    }
    if (r->caseless && strchr("pPux", letter))
        return refuse(r, "ignoring the case of a set or number inside of a class");
    if (letter == 'u') return rewrite_code_point(r);
    if (letter == 'p' || letter == 'P') return read_property(r, c);
    if (letter == 'x') return follows(r, "\\x{") ? copy_braced(r) : copy_byte(r);
    bool word = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
    if (word && !strchr("tnrfae", letter)) {
        char name[3] = {'\\', letter, 0};
        return refuse(r, name);
    }
    return copy(r, 2);
}

/* [:alpha:], [:^alpha:] */
static bool read_bracket(rewriter *r, class_parts *c) {
    bool hat = follows(r, "[:^");
    const char *name = r->at + 2 + hat, *close = memmem(name, (size_t)(r->end - name), ":]", 2);
    size_t length = close ? (size_t)(close - name) : 0;
    const char *members = find_property(name, length, true);
    if (same_name("punct", name, length)) members = "\\p{P}\\p{S}";
    if (!members) return refuse(r, "this class inside of a class");
    if (r->caseless) return refuse(r, "ignoring the case of a set inside of a class");
    r->at = close + 2;
    return add_members(c, members, hat);
}

static bool read_class(rewriter *r, class_parts *parent, int depth);

/* A class inside of a class adds its characters. */
static bool read_inner_class(rewriter *r, class_parts *c, int depth) {
    if (follows(r, "[:")) return read_bracket(r, c);
    if (depth == DEEPEST) return refuse(r, "a nesting of more than 100 classes");
    return read_class(r, c, depth + 1);
}

/* A plain character; `low` is the one that a range to it begins with, else the same. */
static bool read_member(rewriter *r, uint32_t low, uint32_t c, size_t size) {
    if (r->caseless && several_between(low < c ? low : c, c)) return refuse(r, SEVERAL);
    return copy(r, size ? size : 1);
}

/* What has been read becomes one expression for one character. */
static bool write_operand(const class_parts *c, text *out) {
    bool plain = c->plain.length > 0, others = c->others.length > 0;
    if (!plain && !others) return text_add(out, "(?!)");
    if (!others) return text_format(out, "[%s]", text_string(&c->plain));
    const char *alternatives = text_string(&c->others) + 1;
    return plain ? text_format(out, "(?:[%s]|%s)", text_string(&c->plain), alternatives)
                 : text_format(out, "(?:%s)", alternatives);
}

/* "&&": what comes next must be in both. */
static bool intersect(rewriter *r, class_parts *c) {
    if (r->caseless) return refuse(r, "ignoring the case of an intersection of classes");
    bool ok = text_add(&c->before, "(?=") && write_operand(c, &c->before) && text_add(&c->before, ")");
    text_clear(&c->plain);
    text_clear(&c->others);
    r->at += 2;
    return ok;
}

/* What stands in a class, up to its closing bracket. A hyphen stands for itself behind a set, at the beginning and at
 * the end. */
static bool read_set(rewriter *r, class_parts *c, int depth) {
    bool ok = true, alone = !follows(r, "]"), in_range = false;
    uint32_t low = 0, character = 0;
    if (!alone) ok = put(r, "\\]", 1);
    while (ok && r->at < r->end && *r->at != ']') {
        bool plain_hyphen = *r->at == '-' && (alone || follows(r, "-]") || follows(r, "-&&"));
        bool hyphen = *r->at == '-' && !plain_hyphen && !in_range;
        alone = false;
        if (*r->at == '\\') {
            low = 0;
            ok = read_escape(r, c, &alone);
        } else if (*r->at == '[') {
            ok = read_inner_class(r, c, depth);
            alone = true;
        } else if (follows(r, "&&")) {
            ok = intersect(r, c);
            alone = true;
        } else if (plain_hyphen || *r->at == '^') {
            low = (uint32_t)*r->at;
            ok = put(r, plain_hyphen ? "\\-" : "\\^", 1);
        } else if (follows(r, "-[")) {
            ok = refuse(r, "a range that ends in a class");
        } else {
            size_t size = utf8_decode(r->at, (size_t)(r->end - r->at), &character);
            ok = read_member(r, in_range ? low : character, character, size);
            if (!hyphen) low = character;
        }
        in_range = hyphen;
    }
    return ok && (r->at < r->end || refuse(r, "a class that does not end"));
}

/* Writes a class that was read: the simplest form that it allows. */
static bool write_class(const class_parts *c, bool inverted, text *out) {
    bool simple = !c->others.length && !c->before.length;
    if (simple && c->plain.length) return text_format(out, "[%s%s]", inverted ? "^" : "", text_string(&c->plain));
    return text_add(out, inverted ? "(?:(?!" : "(?:") && text_append(out, text_string(&c->before), c->before.length) &&
           write_operand(c, out) && text_add(out, inverted ? ")[\\x00-\\x{10FFFF}])" : ")");
}

/* Reads the class at the cursor into what surrounds it; a plain one melts into it. */
static bool read_class(rewriter *r, class_parts *parent, int depth) {
    class_parts c = {0};
    text *around = r->out;
    bool inverted = follows(r, "[^");
    r->at += 1 + inverted;
    r->out = &c.plain;
    bool ok = !(inverted && depth > 0 && r->caseless &&
                !refuse(r, "ignoring the case of an inverted class inside of a class")) &&
              read_set(r, &c, depth);
    r->out = around;
    r->at += ok;
    bool melts = depth > 0 && !inverted && !c.before.length;
    if (ok && melts)
        ok = text_append(&parent->plain, text_string(&c.plain), c.plain.length) &&
             text_append(&parent->others, text_string(&c.others), c.others.length);
    else if (ok)
        ok = (depth == 0 || text_add_char(&parent->others, '|')) &&
             write_class(&c, inverted, depth == 0 ? r->out : &parent->others);
    free_parts(&c);
    return ok;
}

bool rewrite_class(rewriter *r) {
    class_parts nothing = {0};
    return read_class(r, &nothing, 0);
}

/* ---- escapes outside of classes */

bool rewrite_escape(rewriter *r) {
    if (r->end - r->at < 2) return refuse(r, "a backslash at the end");
    char letter = r->at[1];
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
        if (escapes[i].letter == letter) return put(r, escapes[i].outside, 2);
    if (letter == 'u') return rewrite_code_point(r);
    if (letter == 'p' || letter == 'P') {
        class_parts c = {0};
        bool ok = read_property(r, &c) && write_operand(&c, r->out);
        free_parts(&c);
        return ok;
    }
    if (letter == 'x' && !follows(r, "\\x{")) return copy_byte(r);
    if (strchr("xkg", letter)) return copy_braced(r);
    bool word = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
    if (word && !strchr("tnrfaeAzZGKRN", letter)) {
        char name[3] = {'\\', letter, 0};
        return refuse(r, name);
    }
    return copy(r, 2);
}
