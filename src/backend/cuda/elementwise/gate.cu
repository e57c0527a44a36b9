/* Gates of rows, whose halves lie side by side. */
#include "cuda/elementwise/gate.cuh"
#include "cuda/quant/tile.cuh"

template <class S> __global__ void __launch_bounds__(256) gate_rows(const __grid_constant__ gate_kernel k) {
    const i64 i = thread_number(), pieces = k.half / 8;
    i64 piece;
    const i64 row = divide(i, pieces, &piece);
    begin();
    if (row >= k.rows) return;
    const uint4 *gate = (const uint4 *)k.from + row * 2 * pieces + piece;
    const uint4 gated = gate_piece<S>(gate[0], gate[pieces]);
    ((uint4 *)k.to)[i] = gated;
    if (!k.spread) return;
    k.eights ? put_in_batch_order(k.spread, row, piece, k.eights, gated)
             : put_in_order<S>((S *)k.spread + row * k.half, piece, gated);
}

void launch_gate(const gate_kernel *k, kernel_stream stream) {
    const unsigned blocks = blocks_for(k->rows * (k->half / 8), 256);
    switch (k->dtype) {
        CASE(D_F16, float16, start(gate_rows<type>, blocks, 256, 0, stream, *k))
        CASE(D_BF16, bfloat16, start(gate_rows<type>, blocks, 256, 0, stream, *k))
    }
}
