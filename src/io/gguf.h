/* GGUF files (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): what stands in them, and the blocks of their
   quantized tensors. No arrays here: that is gguf_arrays.c. */
#ifndef IO_GGUF_H
#define IO_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "tarn/array.h"

/* ---- kinds of tensors */
typedef struct {
    uint32_t id;
    const char *name;
    int elements, bytes; /* of a block; plain numbers are blocks of one */
    bool plain;
    tarn_dtype dtype;                                       /* of plain numbers */
    void (*decode)(const unsigned char *block, float *out); /* of the others */
} gguf_type;

const gguf_type *gguf_type_of(uint32_t id);            /* NULL: not known */
const gguf_type *gguf_type_of_dtype(tarn_dtype dtype); /* NULL: GGUF has none */
enum { GGUF_Q4_0 = 2, GGUF_Q4_1 = 3, GGUF_Q8_0 = 8 };

/* ---- reading: a place in the bytes of a file */
typedef struct {
    const char *at, *end, *name; /* name: what errors call the file */
} gguf_cursor;

/* Kinds of metadata values. */
enum {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_TEXT,
    GGUF_LIST,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_KINDS
};
bool gguf_kind_dtype(uint32_t kind, tarn_dtype *dtype); /* false: a text or list */
uint32_t gguf_kind_of(tarn_dtype dtype);                /* GGUF_KINDS: none */

typedef struct {
    uint64_t tensors, notes;
} gguf_counts;
bool gguf_read_start(gguf_cursor *c, gguf_counts *counts);
bool gguf_read_number(gguf_cursor *c, int bytes, uint64_t *out);
/* Without a NUL inside. */
bool gguf_read_text(gguf_cursor *c, const char **bytes, size_t *length);
/* So many bytes that are there. */
bool gguf_skip(gguf_cursor *c, uint64_t bytes, const char **begin);

typedef struct {
    const char *name; /* [length], no NUL behind it */
    size_t length;
    const gguf_type *type;
    int ndim;
    int64_t shape[TARN_MAX_NDIM]; /* rows first, as arrays have it */
    uint64_t offset;              /* in the data */
    int64_t elements, bytes;
} gguf_tensor;
bool gguf_read_tensor(gguf_cursor *c, gguf_tensor *t);

#endif
