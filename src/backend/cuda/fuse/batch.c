/* Products of 2 to 32 rows with packed weights, with what makes their x: a norm, of a sum or not, or a gate, writes it
   in the order that the product wants, too, into the product's workspace. */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/rows.h"

static byte_span spread_of(const batch_kernel *k) {
    uintptr_t begins = (uintptr_t)k->spread;
    return (byte_span){begins, begins + (uintptr_t)((k->m + 7) / 8 * 8 * k->k * 2)};
}

/* Whether what the first `made` calls make is the x of the product behind them, which may be written in their place. */
static bool makes_x(const call *calls, int made, const batch_kernel *product) {
    const operand *x = &calls[made - 1].outputs[0];
    for (int i = 0; i < made; i++)
        if (!call_leaves_alone(&calls[i], spread_of(product))) return false;
    return product->x == x->data && product->m * product->k == operand_size(x) && product->k == x->shape[x->ndim - 1] &&
           product->dtype != TARN_FLOAT32;
}

/* The product behind `made` calls. */
static bool find_product(const call *calls, int count, const unsigned *constant, int made, batch_kernel *k) {
    return made && count > made && calls[made].row == &cuda_quantized_matmul &&
           packed_batch_of(&calls[made], constant ? constant[made] : 0, k) && makes_x(calls, made, k);
}

static int launch(batch_kernel *product, int made) {
    product->ordered = true;
    launch_batch(product, cuda_stream_now);
    return made + 1;
}

int fuse_batch(const call *calls, int count, const unsigned *constant) {
    batch_kernel product;
    norm_kernel norm;
    gate_kernel gate;
    int normed = normed_rows_of(calls, count, &norm);
    if (find_product(calls, count, constant, normed, &product)) {
        norm.spread = product.spread;
        norm.eights = (int)((product.m + 7) / 8);
        launch_rms_norm(&norm, cuda_stream_now);
        return launch(&product, normed);
    }
    int gated = count > 0 && gate_of_rows(calls, &gate);
    if (!find_product(calls, count, constant, gated, &product)) return 0;
    gate.spread = product.spread;
    gate.eights = (int)((product.m + 7) / 8);
    launch_gate(&gate, cuda_stream_now);
    return launch(&product, gated);
}
