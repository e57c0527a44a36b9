/* What the tokenizer needs of the Unicode character database. The only file that knows utf8proc is unicode.c. */
#ifndef LM_TOKENIZER_UNICODE_H
#define LM_TOKENIZER_UNICODE_H

#include "base/text.h"

typedef enum { FORM_NFC, FORM_NFD, FORM_NFKC, FORM_NFKD } unicode_form;

/* Appends s[0..length), which is valid UTF-8, in the given normal form. Linear in time, whatever the text. */
bool unicode_normalize(const char *s, size_t length, unicode_form form, text *out);

/* The full lower-case mapping of one character, without context: 1 or 2 characters. Returns how many. */
size_t unicode_lower(uint32_t c, uint32_t out[2]);

bool unicode_is_space(uint32_t c);           /* White_Space */
bool unicode_is_number(uint32_t c);          /* Nd, Nl, No */
bool unicode_is_punctuation(uint32_t c);     /* P*, and all ASCII that is neither letter, digit, space nor control */
bool unicode_is_mark(uint32_t c);            /* Mn, Mc, Me */
bool unicode_is_nonspacing_mark(uint32_t c); /* Mn */
bool unicode_is_other(uint32_t c);           /* Cc, Cf, Co, Cs */
bool unicode_is_word(uint32_t c);            /* letters, marks, decimal digits, connectors: \w of regular expressions */

#endif
