/* Base64 (RFC 4648, section 4). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/text.h"

/* Appends the bytes that s[0..length) stands for. False, without an error, if it is no padded base64; with the error
   set if there is no memory. */
bool base64_decode(const char *s, size_t length, text *out);

#endif
