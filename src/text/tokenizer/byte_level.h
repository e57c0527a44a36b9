/* GPT-2's way to write bytes as visible characters: printable Latin-1 as itself, the other 68 bytes as U+0100 and up.
 */
#ifndef TOKENIZER_BYTE_LEVEL_H
#define TOKENIZER_BYTE_LEVEL_H

#include "base/text.h"

bool byte_level_write(const char *bytes, size_t length, text *out);
/* Appends the bytes that s[0..length) stands for, or s itself if a character of it stands for none. */
bool byte_level_read(const char *s, size_t length, text *out);

#endif
