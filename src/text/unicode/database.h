/* What the tokenizer needs of the Unicode character database. The only file that knows utf8proc is database.c. */
#ifndef UNICODE_DATABASE_H
#define UNICODE_DATABASE_H

#include "base/text.h"

/* The parts of `tokenizers` (0.23) stand on several versions of Unicode, and so do the libraries here. newer.def lists
   what came after version 8, so that each question is answered for the version that `tokenizers` asks. */

typedef enum { FORM_NFC, FORM_NFD, FORM_NFKC, FORM_NFKD } unicode_form;

/* Appends s[0..length), which is valid UTF-8, in the given normal form of Unicode 9. Linear in time, whatever the text.
 */
bool unicode_normalize(const char *s, size_t length, unicode_form form, text *out);

/* The full lower-case mapping of one character (Unicode 17), without context: 1 or 2 characters. Returns how many. */
size_t unicode_lower(uint32_t c, uint32_t out[2]);

bool unicode_is_space(uint32_t c);  /* White_Space */
bool unicode_is_number(uint32_t c); /* Nd, Nl, No of Unicode 17 */
bool unicode_is_punctuation(
    uint32_t c);                  /* P* of Unicode 8, and all ASCII that is neither letter, digit, space nor control */
bool unicode_is_mark(uint32_t c); /* Mn, Mc, Me of Unicode 9 */
bool unicode_is_nonspacing_mark(uint32_t c); /* Mn of Unicode 8 */
bool unicode_is_other(uint32_t c);           /* Cc, Cf, Co of Unicode 8 */
bool unicode_is_assigned(uint32_t c);        /* in Unicode 9, and not for private use */
bool unicode_is_word(uint32_t c);            /* \w of Rust's regular expressions: Unicode 16 */

/* A character that Oniguruma (Unicode 16) knows and PCRE2 (14 in version 10.42) does not has a stand-in: the nearest
   older one of the same category and length in UTF-8. The others are their own. */
uint32_t unicode_stand_in(uint32_t c);

#endif
