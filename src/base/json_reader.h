/* Reading JSON piece by piece, for lists and dictionaries too large for a tree of small values: strings are handed out
   as they stand in the text. Nothing is kept, so a key that occurs twice is the caller's business. */
#ifndef BASE_JSON_READER_H
#define BASE_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { JSON_DEPTH = 64 };

/* Reads bytes[at..length); start it with those, free it with json_reader_free. Every failure sets the error with name,
 * line, column. */
typedef struct {
    const char *bytes, *name;
    size_t at, length;
    size_t count; /* about how many items it has, where json_parse_around found it; in valid JSON exactly so many */
    char close[JSON_DEPTH]; /* the brackets that end what is open */
    int depth;
    bool first;   /* nothing was read behind the last opening bracket */
    text decoded; /* the last string, if it was written with escapes */
    bool escaped; /* it was: others lie in the text, and stay */
} json_reader;

/* The first byte of the next value: [ { " - 0…9 t f n, or another that begins none; 0 at the end. */
char json_reader_peek(json_reader *r);
/* Enters a list ('[') or dictionary ('{'). */
bool json_reader_open(json_reader *r, char bracket);
/* Goes to the next item or key of what is open: 1, or 0 at its end, which is then left, or -1 on failure. */
int json_reader_next(json_reader *r);
/* A string of valid UTF-8, which may hold NULs; it lives until the next one is read. */
bool json_reader_string(json_reader *r, const char **s, size_t *length);
/* The same with the colon behind it. */
bool json_reader_key(json_reader *r, const char **s, size_t *length);
/* An integer within int64, without fraction or exponent. */
bool json_reader_whole(json_reader *r, int64_t *value);
/* A null, where there is one. */
bool json_reader_null(json_reader *r);
void json_reader_free(json_reader *r);

/* Sets the error "name: line l, column c: what" for the byte at a place of the text (columns count bytes). Always
 * false. */
bool json_fail_at(const char *bytes, size_t at, const char *name, const char *what);

#endif
