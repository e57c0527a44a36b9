/* A place in a JSON file: the value and the way to it, so that every complaint names both. */
#ifndef TOKENIZER_PART_H
#define TOKENIZER_PART_H

#include "base/json.h"

typedef struct part {
    const struct part *parent; /* NULL for the whole file */
    const char *name;          /* the file, or the member's key; NULL for an item of an array */
    size_t index;
    const json *value; /* NULL if there is no such member */
} part;

/* Sets the error "file: a.b[2]: …" and returns false. */
bool part_fail(const part *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

part part_member(const part *object, const char *key);
part part_item(const part *array, size_t index);
/* Missing or null. */
bool part_absent(const part *p);

/* p is an object and has no members but those of `names`, which are separated by spaces, and such as say nothing (null,
 * false, empty). */
bool part_known(const part *p, const char *names);
bool part_array(const part *p);
/* Members of p. Each fails if the member has another kind; a missing or null one gives the fallback, or fails where
 * none is given. */
bool part_boolean(const part *p, const char *key, bool fallback, bool *value);
bool part_integer(const part *p, const char *key, int64_t least, int64_t most, int64_t *value);
bool part_string(const part *p, const char *key, const char **string, size_t *length);
bool part_optional_string(const part *p, const char *key, const char **string,
                          size_t *length);                                /* NULL if missing or null */
bool part_character(const part *p, const char *key, uint32_t *character); /* a string of one character */

/* One row of a table of the kinds that an object's "type" may name. */
typedef struct {
    const char *type, *members; /* members besides "type", separated by spaces */
    bool (*read)(const part *p, void *into);
} part_kind;

/* Reads p by the row that its "type" names, after checking its members; an unknown type is an error. */
bool part_read(const part *p, const part_kind *kinds, size_t count, void *into);

#endif
