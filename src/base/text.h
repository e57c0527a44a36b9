/* A growing string, always ended by a NUL that is not counted in `length`. The first failed append sets the thread's
 * error; later ones do nothing. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *bytes; /* NULL until the first append */
    size_t length, capacity;
    bool failed;
} text;

bool text_append(text *t, const void *bytes, size_t length);
bool text_add(text *t, const char *string);
bool text_add_char(text *t, char c);
bool text_add_sizes(text *t, const int64_t *sizes, int64_t count); /* "[2, 3]" */
bool text_format(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The string so far; "" before the first append. */
const char *text_string(const text *t);

/* Hands the string to the caller (memory_free) and empties the text; NULL if an append failed. */
char *text_take(text *t);
void text_clear(text *t);
void text_free(text *t);

/* UTF-8. Decodes one character of s[0..length): its length in bytes, or 0 if the bytes are not valid UTF-8 (RFC 3629:
   no surrogates, nothing overlong or above U+10FFFF). */
size_t utf8_decode(const char *s, size_t length, uint32_t *character);
/* Writes 1 to 4 bytes and returns how many. */
size_t utf8_encode(uint32_t character, char out[4]);
bool utf8_valid(const char *s, size_t length);
/* How many of the last bytes begin a character that further bytes could complete (0 to 3). */
size_t utf8_incomplete(const char *s, size_t length);

#endif
