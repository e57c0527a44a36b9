/* Attributes: the struct of each op, made from its row, and the description by which they are compared, hashed, printed
   and copied without knowing the op. */
#ifndef TABLE_ATTRIBUTES_H
#define TABLE_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "tarn/fft.h"

/* ---- words: an enum for each list of names.def */
#define NAMES(list, words) typedef enum { words } list;
#define PUBLIC_NAMES(list, words)
#define WORD(ENUMERATOR, word) ENUMERATOR,
#include "table/names.def"
#undef NAMES
#undef PUBLIC_NAMES
#undef WORD

typedef struct {
    const char *what; /* "reduce_kind" */
    int count;
    const char *const *words;
} name_list;

#define NAMES(list, words)        extern const name_list names_##list;
#define PUBLIC_NAMES(list, words) NAMES(list, words)
#include "table/names.def"
#undef NAMES
#undef PUBLIC_NAMES

/* Modes of quant.def are words, too; affine is 0. */
typedef enum {
#define QUANT_MODE(name, ...) QUANT_##name,
#define QUANT_WIDTH(...)
#include "table/quant.def"
#undef QUANT_MODE
#undef QUANT_WIDTH
} quant_mode;
extern const name_list names_quant_mode;

/* The place of a word in its list; false, without an error, if it is none of them. */
bool name_find(const name_list *list, const char *word, int *place);

/* ---- types of attributes */
typedef enum {
    ATTRIBUTE_INTEGER,
    ATTRIBUTE_REAL,
    ATTRIBUTE_BOOLEAN,
    ATTRIBUTE_DTYPE,
    ATTRIBUTE_NAME,
    ATTRIBUTE_INTS,
    ATTRIBUTE_REALS,
    ATTRIBUTE_OBJECT
} attribute_type;

typedef struct {
    const double *values; /* NULL: absent */
    int64_t count;
} attribute_reals;

struct context_visit; /* core/contexts.h */

/* Something that nodes share. Its functions count the holders and may be called from any thread. */
typedef struct {
    const char *name;
    void (*retain)(void *object);
    void (*release)(void *object);
    bool (*describe)(const void *object, text *out);      /* NULL: the name says enough */
    void (*visit)(void *object, struct context_visit *v); /* one reference (core/contexts.h); NULL: it holds nothing of
                                                             the user's */
} object_type;

typedef struct {
    const object_type *type;
    void *object; /* NULL: absent */
} attribute_object;

typedef struct {
    const char *name;
    attribute_type type;
    size_t offset;
    const name_list *names; /* of ATTRIBUTE_NAME */
} attribute_fact;

/* ---- attributes_<op>, and attributes_<op>_default as the row says */
#define ATTRIBUTE_C_INTEGER    int64_t
#define ATTRIBUTE_C_REAL       double
#define ATTRIBUTE_C_BOOLEAN    bool
#define ATTRIBUTE_C_DTYPE      tarn_dtype
#define ATTRIBUTE_C_NAME(list) list
#define ATTRIBUTE_C_INTS       tarn_ints
#define ATTRIBUTE_C_REALS      attribute_reals
#define ATTRIBUTE_C_OBJECT     attribute_object
#define A(type, name, value)   ATTRIBUTE_C_##type name;
#define ATTRIBUTES(op, list)                                                                                           \
    typedef struct {                                                                                                   \
        list char end_;                                                                                                \
    } attributes_##op;                                                                                                 \
    extern const attributes_##op attributes_##op##_default;
#define FUSED(op, least, most, outputs, batch, list, doc)     ATTRIBUTES(op, list)
#define STRUCTURAL(op, least, most, outputs, kind, list, doc) ATTRIBUTES(op, list)
#include "table/fused.def"
#include "table/structural.def"
#undef A
#undef ATTRIBUTES
#undef FUSED
#undef STRUCTURAL

#endif
