/* Packed weights as inputs of an op. */
#ifndef OPS_QUANTIZE_H
#define OPS_QUANTIZE_H

#include "ops/build.h"
#include "table/quant.h"

typedef struct {
    quant_mode mode;
    int64_t group_size, bits;
} quant_format;

/* Checks a packed weight and its parts (scales, biases, global scale) against each other; *width is how many numbers a
   packed row holds. */
bool check_packed(const char *op, tarn_array *const *weight, int count, quant_format f, int64_t *width);

#endif
