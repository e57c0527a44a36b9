/* The blocked product of two operands, whatever their storage, for more rows and columns than streaming kernels serve.
 */
#ifndef CPU_MATMUL_GEMM_H
#define CPU_MATMUL_GEMM_H

#include "cpu/matmul/engine.h"

/* out[i * out_row_stride + j * out_column_stride] = sum over k < depth of rows(i, k) * columns(j, k), summed in f32 and
   rounded once. A quantized operand of the rows has its depth along the line, one of the columns is by_depth. A sum is
   taken in the same order whatever the number of threads. depth 0 gives zeros. */
typedef struct {
    matmul_operand rows, columns;
    int64_t row_count, column_count, depth;
    void *out;
    int64_t out_row_stride, out_column_stride; /* elements */
    /* Where rows [row, row + count) begin, if not at row * out_row_stride. */
    void (*out_rows)(const void *context, int64_t row, int64_t count, int64_t *places);
    const void *out_context;
    matmul_dtype out_dtype;
    bool serial; /* one of many: runs in the calling thread alone */
} gemm_problem;

/* Bytes of the workspace that gemm_run needs with the threads of now; 64-byte aligned. INT64_MAX if that is not
 * representable. */
int64_t gemm_workspace(const matmul_engine *engine, const gemm_problem *problem);
void gemm_run(const matmul_engine *engine, const gemm_problem *problem, void *workspace);

#endif
