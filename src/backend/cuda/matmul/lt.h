/* Dense products by cuBLASLt. */
#ifndef CUDA_MATMUL_LT_H
#define CUDA_MATMUL_LT_H

#include "backend/call.h"

/* What the row asks for: the library uses LT_USED bytes of it, from an address that is a multiple of LT_ALIGNMENT. */
enum { LT_USED = 32 << 20, LT_ALIGNMENT = 256, LT_WORKSPACE = LT_USED + LT_ALIGNMENT };

/* c[m, n] = a[m, k] b[k, n], row-major; a or b may lie transposed, `a_step` and `b_step` are the distances of its rows
   (columns if so). batch products, so many elements apart. float32 is multiplied as such, as TF32 only where TARN_TF32
   says so. */
typedef struct {
    tarn_dtype dtype;
    int64_t m, n, k, a_step, b_step, batch, a_batch, b_batch, c_batch;
    bool a_transposed, b_transposed;
} lt_product;
bool lt_multiply(const lt_product *p, void *c, const void *a, const void *b, void *workspace);

/* Opens the library and makes a handle, unless that is done. */
bool lt_prepare(void);

#endif
