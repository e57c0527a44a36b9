/* What stands in for tile_product.cuh: what lane holds what is that of PTX ISA, mma.m16n8k16 and mma.m16n8k32. */
#ifndef CUDA_TILE_PRODUCT_CUH
#define CUDA_TILE_PRODUCT_CUH

#include "cuda/device.cuh"

/* The factors as the lanes of each warp hold them. */
static u32 left_factors[fibers::MOST][4], right_factors[fibers::MOST][2];

/* `add` gets, for each number of the result that is the lane's, the words of a row and a column, by fours of lanes. */
template <class C, class F> static void multiply_factors(C (&c)[4], const u32 (&a)[4], u32 b0, u32 b1, F add) {
    const int thread = fibers::now, first = thread / WARP * WARP, lane = thread % WARP, g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; i++) left_factors[thread][i] = a[i];
    right_factors[thread][0] = b0, right_factors[thread][1] = b1;
    __syncwarp();
    for (int i = 0; i < 4; i++)
        for (int half = 0; half < 2; half++)
            for (int k = 0; k < 4; k++)
                add(c[i], left_factors[first + g * 4 + k][half * 2 + i / 2],
                    right_factors[first + (2 * t + i % 2) * 4 + k][half]);
    __syncwarp();
}
template <class S> static void multiply_tile(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1, S) {
    multiply_factors(c, a, b0, b1, [](float &sum, u32 x, u32 y) {
        for (int i = 0; i < 32; i += 16) sum += widen(S{(unsigned short)(x >> i)}) * widen(S{(unsigned short)(y >> i)});
    });
}
DEVICE void multiply_bytes(int (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, uint2 b) {
    multiply_factors(c, {a0, a1, a2, a3}, b.x, b.y, [](int &sum, u32 x, u32 y) {
        for (int i = 0; i < 32; i += 8) sum += (int)(x >> i & 255) * (signed char)(y >> i);
    });
}

#endif
