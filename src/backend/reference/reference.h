/* The rows of the reference backend: one for every op that has neither a formula nor is a view. */
#ifndef REFERENCE_REFERENCE_H
#define REFERENCE_REFERENCE_H

#include "backend/backend.h"

#define REFERENCE_OPS(OP)                                                                                                                  \
    OP(group)                                                                                                                              \
    OP(contiguous)                                                                                                                         \
    OP(arange)                                                                                                                             \
    OP(random_bits)                                                                                                                        \
    OP(concatenate)                                                                                                                        \
    OP(gather) OP(scatter) OP(slice_update) OP(slice_array) OP(reduce) OP(arg_reduce) OP(scan) OP(sort)   \
        OP(argsort) OP(matmul) OP(quantized_matmul) OP(quantize) OP(dequantize)

#define DECLARE_ROW(op) extern const kernel_row reference_##op;
REFERENCE_OPS(DECLARE_ROW)
#undef DECLARE_ROW

/* What all rows share: they are chosen whatever the dtypes and strides are. */
#define REFERENCE_ROW(name_) .op = OP_##name_, .name = #name_ "_reference", .dtypes = DTYPES_ALL, .selector = -1, .layout = LAYOUT_ANY

#endif
