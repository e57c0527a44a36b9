/* The thresholds were measured: docs/design/cpu-matmul.md. */
#include "cpu/matmul/choose.h"

static const matmul_engine *f32_engine(cpu_isa isa) {
    return isa >= ISA_AVX512 ? &matmul_engine_avx512 : isa == ISA_AVX2 ? &matmul_engine_avx2 : &matmul_engine_baseline;
}

bool matmul_has_fast_bf16(void) {
    return __builtin_cpu_is("amd");
}

/* f16 values and their products fit two bf16 parts but for 2^-16; dense f32 keeps f32 multiplications. */
const matmul_engine *matmul_engine_for(matmul_dtype dtype, bool quantized) {
    cpu_isa isa = cpu_best_isa();
    if (isa == ISA_AMX && dtype == MATMUL_BF16) return &matmul_engine_tiles;
    if (isa == ISA_AMX && (quantized || dtype == MATMUL_F16)) return &matmul_engine_split_tiles;
    if (isa == ISA_VNNI && dtype == MATMUL_BF16 && matmul_has_fast_bf16()) return &matmul_engine_dpbf16;
    return f32_engine(isa);
}

/* Where a pass of the planes over the weights starts to cost more than dequantizing them once. */
int64_t matmul_plane_tokens(matmul_dtype dtype) {
    bool half = dtype == MATMUL_BF16;
    switch (cpu_best_isa()) {
    case ISA_AMX:
        return half ? 6 : 10;
    case ISA_VNNI:
        return half && matmul_has_fast_bf16() ? 16 : 32;
    default:
        return 0;
    }
}
