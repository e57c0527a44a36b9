/* The scan over a JSON text before the library's parser: depth, numbers that the library has no values for, and values
   that are left out of the tree. Whether the text is JSON is left to the parser. */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include "base/json_reader.h"
#include "base/vector.h"

typedef enum { SCAN_NAN, SCAN_INFINITY, SCAN_NEGATIVE_INFINITY } scan_kind;

typedef struct {
    size_t number; /* how many numbers come before it in the text that is handed on */
    scan_kind kind;
} scan_not_finite;

enum { SCAN_KEYS = 2 }; /* levels of keys that a path may name */

typedef struct {
    const char *bytes, *name;
    size_t length;
    bool exact; /* integers beyond int64 are errors */
    const char *const *paths;
    json_reader *readers;
    size_t path_count;
    /* found by the scan */
    VECTOR(scan_not_finite) not_finite;
    /* working state */
    size_t at, taken, numbers; /* taken: bytes of the text that are in the copy or replaced there */
    int depth;
    text copy; /* empty until something has to be replaced */
    struct {
        size_t from, length; /* of the last key on that level */
    } keys[SCAN_KEYS + 1];
    size_t shifts[4][2]; /* left-out values: where their null stands in the copy, and how many bytes it saved */
    size_t shift_count;
} json_scan;

/* The text for the parser, as long as `bytes` but for what is left out; NULL with the error set. */
const char *json_scan_text(json_scan *s, size_t *length);
/* From a number of bytes that the parser has read to the place of the last of them in `bytes`. */
size_t json_scan_place(const json_scan *s, size_t read);
void json_scan_free(json_scan *s);

#endif
