/* Products of 2 to 32 rows with packed weights, with what makes their x: a norm, of a sum or not, or a gate, writes it
   in the order that the product wants, too, into the product's workspace. */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/rows.h"

static byte_span spread_of(const batch_kernel *k) {
    uintptr_t begins = (uintptr_t)k->spread;
    return (byte_span){begins, begins + (uintptr_t)((k->m + 7) / 8 * 8 * k->k * 2)};
}

bool batch_product_behind(const call *calls, int count, const unsigned *constant, int made, int64_t row,
                          batch_kernel *k) {
    if (!made || count <= made || calls[made].row != &cuda_quantized_matmul) return false;
    const operand *x = &calls[made - 1].outputs[0];
    if (x->dtype == TARN_FLOAT32 || !packed_batch_of(&calls[made], constant ? constant[made] : 0, k)) return false;
    for (int i = 0; i < made; i++)
        if (!call_leaves_alone(&calls[i], spread_of(k))) return false;
    return k->x == x->data && k->k == row && k->m * row == operand_size(x);
}

int batch_eights(const batch_kernel *k) {
    return (int)((k->m + 7) / 8);
}

/* Of what comes last of the calls: the length of its rows. */
static int64_t row_of(const call *calls, int made) {
    const operand *x = &calls[made ? made - 1 : 0].outputs[0];
    return x->ndim ? x->shape[x->ndim - 1] : 0;
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
    if (batch_product_behind(calls, count, constant, normed, row_of(calls, normed), &product)) {
        norm.spread = product.spread;
        norm.eights = batch_eights(&product);
        launch_rms_norm(&norm, cuda_stream_now);
        return launch(&product, normed);
    }
    int gated = count > 0 && gate_of_rows(calls, &gate);
    if (!batch_product_behind(calls, count, constant, gated, row_of(calls, gated), &product)) return 0;
    gate.spread = product.spread;
    gate.eights = batch_eights(&product);
    launch_gate(&gate, cuda_stream_now);
    return launch(&product, gated);
}
