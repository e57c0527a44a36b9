/* Methods of strings about case and kinds of characters. */
#include "unicode/characters.h"
#include "template/text.h"

#define METHOD(name)                                                                                                   \
    static value name(render *r, value self, const arguments *given __attribute__((unused)),                           \
                      const value *a __attribute__((unused)))
#define CASE(name, which)                                                                                              \
    METHOD(name) {                                                                                                     \
        return like(self.string, change_case(r, self.string, which));                                                  \
    }
CASE(text_upper, CASE_UPPER)
CASE(text_lower, CASE_LOWER)
CASE(text_title, CASE_TITLE)
CASE(text_capitalize, CASE_CAPITALIZE)
CASE(text_swapcase, CASE_SWAP)

static bool is_alphanumeric(uint32_t c) {
    return character_is_letter(c) || character_is_numeric(c) || character_is_digit(c);
}

/* True if every character is one; `empty` is the answer for the empty string. */
static value all_are(render *r, const string *s, bool (*is)(uint32_t), bool empty) {
    uint32_t c;
    if (s->length == 0) return boolean_value(empty);
    if (!spend(r, s->length)) return FAILED;
    for (size_t i = 0; i < s->length; i += utf8_decode(s->bytes + i, s->length - i, &c)) {
        utf8_decode(s->bytes + i, s->length - i, &c);
        if (!is(c)) return boolean_value(false);
    }
    return boolean_value(true);
}

static bool is_ascii(uint32_t c) {
    return c < 0x80;
}

#define KIND(name, is, empty)                                                                                          \
    METHOD(name) {                                                                                                     \
        return all_are(r, self.string, is, empty);                                                                     \
    }
KIND(text_isalpha, character_is_letter, false)
KIND(text_isalnum, is_alphanumeric, false)
KIND(text_isdecimal, character_is_decimal, false)
KIND(text_isdigit, character_is_digit, false)
KIND(text_isnumeric, character_is_numeric, false)
KIND(text_isspace, character_is_space, false)
KIND(text_isprintable, character_is_printable, true)
KIND(text_isascii, is_ascii, true)

static value case_is(render *r, const string *s, bool upper) {
    bool any = false;
    uint32_t c;
    if (!spend(r, s->length)) return FAILED;
    for (size_t i = 0; i < s->length; i += utf8_decode(s->bytes + i, s->length - i, &c)) {
        utf8_decode(s->bytes + i, s->length - i, &c);
        bool wanted = upper ? character_is_upper(c) : character_is_lower(c);
        if (!wanted && character_is_cased(c)) return boolean_value(false);
        any = any || wanted;
    }
    return boolean_value(any);
}

METHOD(text_isupper) {
    return case_is(r, self.string, true);
}
METHOD(text_islower) {
    return case_is(r, self.string, false);
}

/* Capitals only where a word begins, small letters only inside. */
METHOD(text_istitle) {
    const string *s = self.string;
    bool any = false, inside = false;
    uint32_t c;
    if (!spend(r, s->length)) return FAILED;
    for (size_t i = 0; i < s->length; i += utf8_decode(s->bytes + i, s->length - i, &c)) {
        utf8_decode(s->bytes + i, s->length - i, &c);
        bool capital = character_is_upper(c) || character_is_title(c), small = character_is_lower(c);
        if ((capital && inside) || (small && !inside)) return boolean_value(false);
        inside = capital || small;
        any = any || inside;
    }
    return boolean_value(any);
}

const builtin methods_text_case[] = {
    {"upper", "", text_upper},
    {"lower", "", text_lower},
    {"title", "", text_title},
    {"capitalize", "", text_capitalize},
    {"swapcase", "", text_swapcase},
    {"isalpha", "", text_isalpha},
    {"isalnum", "", text_isalnum},
    {"isdecimal", "", text_isdecimal},
    {"isdigit", "", text_isdigit},
    {"isnumeric", "", text_isnumeric},
    {"isspace", "", text_isspace},
    {"isprintable", "", text_isprintable},
    {"isascii", "", text_isascii},
    {"isupper", "", text_isupper},
    {"islower", "", text_islower},
    {"istitle", "", text_istitle},
    {"isidentifier", "*", NULL},
    {"casefold", "*", NULL},
    {0},
};
