/* What is asked of single characters (code points) and of case; utf8proc and a table of the mappings to several
   characters are behind it. The answers are those of Python's str methods. */
#ifndef UNICODE_CHARACTERS_H
#define UNICODE_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool character_is_space(uint32_t c);     /* str.isspace */
bool character_is_letter(uint32_t c);    /* str.isalpha: categories L* */
bool character_is_word(uint32_t c);      /* \w of Python's re: letters, numbers, underscore */
bool character_is_decimal(uint32_t c);   /* str.isdecimal: category Nd */
bool character_is_digit(uint32_t c);     /* str.isdigit: decimals, superscripts and the like */
bool character_is_numeric(uint32_t c);   /* str.isnumeric */
bool character_is_lower(uint32_t c);     /* property Lowercase */
bool character_is_upper(uint32_t c);     /* property Uppercase */
bool character_is_title(uint32_t c);     /* category Lt */
bool character_is_cased(uint32_t c);     /* lower, upper or title */
bool character_is_ignorable(uint32_t c); /* case-ignorable: between a letter and the end of a word it does not count */
bool character_is_printable(uint32_t c); /* str.isprintable */

/* Full mappings: write 1 to 3 characters and return how many. */
size_t character_upper(uint32_t c, uint32_t out[3]);
size_t character_lower(uint32_t c, uint32_t out[3]);
size_t character_title(uint32_t c, uint32_t out[3]);

#endif
