/* A product on the matrix units: 16 x 16 halves by 16 x 8, added to floats; which lane holds what is in PTX ISA,
   mma.m16n8k16. */
#ifndef CUDA_TILE_PRODUCT_CUH
#define CUDA_TILE_PRODUCT_CUH

#include "cuda/device.cuh"

#define TILE_PRODUCT(type, ptx)                                                                                        \
    DEVICE void multiply_tile(float(&c)[4], const u32(&a)[4], u32 b0, u32 b1, type) {                                  \
        asm("mma.sync.aligned.m16n8k16.row.col.f32." ptx "." ptx                                                       \
            ".f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                                               \
            : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                                                           \
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));                                           \
    }
TILE_PRODUCT(bfloat16, "bf16")
TILE_PRODUCT(float16, "f16")
#undef TILE_PRODUCT

/* 16 x 32 bytes by 32 x 8 signed ones, added to whole numbers: mma.m16n8k32. */
DEVICE void multiply_bytes(int (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, uint2 b) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b.x), "r"(b.y));
}

#endif
