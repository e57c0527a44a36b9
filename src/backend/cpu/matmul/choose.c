/* The thresholds were measured: docs/design/cpu-matmul.md. */
#include "cpu/matmul/choose.h"

const matmul_engine *matmul_engine_for(matmul_dtype dtype, bool quantized) {
    (void)dtype, (void)quantized;
    cpu_isa isa = cpu_best_isa();
    return isa >= ISA_AVX512 ? &matmul_engine_avx512 : isa == ISA_AVX2 ? &matmul_engine_avx2 : &matmul_engine_baseline;
}

int64_t matmul_plane_tokens(matmul_dtype dtype) {
    (void)dtype;
    return cpu_best_isa() >= ISA_VNNI ? 12 : 0;
}

bool matmul_has_fast_bf16(void) {
    return __builtin_cpu_is("amd");
}
