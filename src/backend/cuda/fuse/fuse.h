/* Neighbouring calls that one kernel does. The calls are looked at as they are launched, with their addresses: whatever
   was written of what each of them writes, for whoever reads it, is written still, so that nobody else need know. Where
   one's result lies in memory that an earlier one reads, they are launched one by one: `linger` (backend.h) makes that
   rare. */
#ifndef CUDA_FUSE_FUSE_H
#define CUDA_FUSE_FUSE_H

#include "backend/call.h"
#include "cuda/kernels.h"
#include "cuda/matmul/rows.h"

/* Each launches the first calls of a list together and returns how many they were; 0: they are not of the kind.
   constant[i]: bits of the inputs of call i that nothing before it writes. */
int fuse_product(const call *calls, int count, const unsigned *constant);   /* rms_norm, a product of one row, a sum or
                                                                               gate */
int fuse_attention(const call *calls, int count, const unsigned *constant); /* rope, rope, slice_update, slice_update,
                                                                               attention of one token; of more: all but
                                                                               attention. Up to four groups and norms
                                                                               among them are launched first, each by
                                                                               itself */
int fuse_by_rows(const call *calls, int count, const unsigned *constant);   /* attention of many tokens, a copy of its
                                                                               result by rows */
int fuse_packed(const call *calls, int count, const unsigned *constant);    /* [[a sum of rows,] rms_norm, or a gate]
                                                                               packed products of more rows than one,
                                                                               gates between */
int fuse_sum(const call *calls, int count, const unsigned *constant);    /* [a sum of rows,] rms_norm[, as float32] */
int fuse_picked(const call *calls, int count, const unsigned *constant); /* gathers of packed rows, dequantize */
int fuse_rows(const call *calls, int count, const unsigned *constant);   /* a dense product of many rows, the gate of
                                                                            its halves */
int fuse_gate(const call *calls, int count, const unsigned *constant);   /* a gate of rows */
int fuse_long_rows(const call *calls, int count, const unsigned *constant); /* logsumexp of few long rows, their
                                                                               elements less that[, arg_reduce] */

/* rms_norm of more than one row that a block holds, of their sum with others or not: how many calls that is; 0: it is
   not what comes first. */
int normed_rows_of(const call *calls, int count, const unsigned *constant, norm_kernel *k);
/* Whether behind the first `made` calls a packed product of more rows than one follows whose x, of rows of `row`
   numbers of a half type, is what they make, and whose workspace may be written while they run: then they may write x
   in order. */
bool packed_rows_behind(const call *calls, int count, const unsigned *constant, int made, int64_t row,
                        packed_rows_kernel *k);
/* Whether the call is silu(first half of each row) * second half, of more than one row of a half type. */
bool gate_of_rows(const call *c, gate_kernel *k);
/* Whether it is that of these m rows of n numbers. */
bool gates_rows(const call *c, const void *from, int dtype, int64_t m, int64_t n);

/* ---- memory */
typedef struct {
    uintptr_t begins, ends;
} byte_span;
byte_span span_of(const operand *o);
bool spans_meet(byte_span a, byte_span b);
/* Whether the elements follow each other without gaps, whatever the axes. */
bool lies_in_line(const operand *o);
/* Whether a kernel that runs this call may write there, too. */
bool call_leaves_alone(const call *c, byte_span there);
/* Whether what a kernel writes there may be written once it has read that: it is the same memory, or apart from it. */
bool lies_over_or_apart(const operand *written, const operand *read);
/* Whether rows, along all axes but the last, are multiples of 16 bytes apart. */
bool rows_step_by_16(const operand *o);

/* ---- groups over two inputs of this dtype, with one result */
/* Whether it is their sum, all in line and of one size. */
bool group_is_sum(const call *c, tarn_dtype dtype);
/* Whether it is input 0 - input 1, or the other way round: `from`. */
bool group_is_difference(const call *c, tarn_dtype dtype, int *from);
/* Whether it is what lies at `data`, in line, `size` elements of a half type, as float32. */
bool group_is_widening(const call *c, const void *data, int64_t size, tarn_dtype dtype);
/* Whether it is silu(input `gate`) * the other one. */
bool group_is_gate(const call *c, tarn_dtype dtype, int gate);

/* ---- how the families' kernels are asked for */
bool dense_vector_of(const call *c, unsigned constant, vector_kernel *k);         /* matmul.c; false: not by it */
bool dense_rows_of(const call *c, unsigned constant, dense_rows_kernel *k);       /* likewise */
bool packed_vector_of(const call *c, unsigned constant, packed_vector_kernel *k); /* affine.c */
bool packed_rows_of(const call *c, unsigned constant, packed_rows_kernel *k);
affine_kernel dequantize_of(const call *c);
norm_kernel rms_norm_of(const call *c);                      /* norm.c */
rope_kernel rope_of(const call *c);                          /* norm.c */
bool total_of_long_rows(const call *c, long_rows_kernel *k); /* reduce.c: logsumexp; false: not by it */
bool best_of_long_rows(const call *c, long_rows_kernel *k);  /* arg_reduce */
attention_kernel attention_of(const call *c);                /* attention.c */
bool attention_is_split(const call *c, const attention_kernel *k);
bool attention_is_grouped(const call *c, const attention_kernel *k);
bool attention_takes_sinks(const call *c); /* or there are none */

#endif
