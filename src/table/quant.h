/* The facts of quant.def. */
#ifndef TABLE_QUANT_H
#define TABLE_QUANT_H

#include "table/table.h"

enum {
    QUANT_SCALES = 1,
    QUANT_BIASES = 2,
    QUANT_GLOBAL = 4,
    QUANT_PART_COUNT = 3
}; /* part p is input p + 1 behind the packed weight */

typedef struct {
    const char *name, *doc;
    int group_size, bits;  /* the usual ones */
    unsigned parts;        /* QUANT_… */
    unsigned scale_dtypes; /* 1u << dtype */
    int block_bytes;
    bool made; /* by quantize */
} quant_fact;

const quant_fact *quant_fact_of(quant_mode mode);
/* The mode of this name; false if there is none. Modes that only tests use answer to theirs once a test has said so. */
bool quant_find(const char *name, quant_mode *mode);
extern bool quant_tests_ask;
/* Whether the mode has this width with groups of this size. */
bool quant_exists(quant_mode mode, int64_t group_size, int64_t bits);
/* Appends "affine with 2 3 4 5 6 8 bits (groups of 32 64 128)", one after the other where widths differ. */
bool quant_describe(quant_mode mode, text *out);

/* Entries of a packed row of `width` numbers, which must be whole groups; and back, -1 if they are not. */
int64_t quant_row_entries(quant_mode mode, int64_t group_size, int64_t bits, int64_t width);
int64_t quant_row_width(quant_mode mode, int64_t group_size, int64_t bits, int64_t entries);
static inline tarn_dtype quant_packed_dtype(quant_mode mode) {
    return quant_fact_of(mode)->block_bytes ? TARN_UINT8 : TARN_UINT32;
}

#endif
