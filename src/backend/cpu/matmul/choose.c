/* The thresholds were measured: docs/design/cpu-matmul.md. */
#include "cpu/matmul/choose.h"

static const matmul_engine *f32_engine(void) {
    return cpu_has(CPU_AVX512) ? &matmul_engine_avx512
           : cpu_has(CPU_AVX2) ? &matmul_engine_avx2
                               : &matmul_engine_baseline;
}

static const matmul_engine *f64_engine(void) {
    return cpu_has(CPU_AVX512) ? &matmul_engine_f64_avx512
           : cpu_has(CPU_AVX2) ? &matmul_engine_f64_avx2
                               : &matmul_engine_f64_baseline;
}

/* Complex numbers are multiplied as floats. f16 values and their products fit two bf16 parts but for 2^-16; dense f32
 * keeps f32 multiplications. */
const matmul_engine *matmul_engine_for(matmul_dtype dtype, matmul_weights weights) {
    if (dtype == MATMUL_F64) return f64_engine();
    if (dtype == MATMUL_C64) return f32_engine();
    if (cpu_has(CPU_AMX) && dtype == MATMUL_BF16) return &matmul_engine_tiles;
    if (cpu_has(CPU_AMX) && (weights != WEIGHTS_DENSE || dtype == MATMUL_F16)) return &matmul_engine_split_tiles;
    if (cpu_has(CPU_FASTBF16) && dtype == MATMUL_BF16) return &matmul_engine_dpbf16;
    if (dtype != MATMUL_F32 && weights == WEIGHTS_PACKED && cpu_has(CPU_AVX2) && !cpu_has(CPU_AVX512))
        return cpu_has(CPU_AVXVNNI) ? &matmul_engine_words_avxvnni : &matmul_engine_words_avx2;
    return f32_engine();
}

const planes_format *matmul_planes_for(matmul_dtype dtype, int bits) {
    bool half = dtype != MATMUL_F32, vnni = cpu_has(CPU_AVXVNNI);
    if (cpu_has(CPU_AVX512VNNI | CPU_AVX512VBMI)) return half ? &planes_avx512vbmi_two_bytes : &planes_avx512vbmi_bytes;
    if (cpu_has(CPU_AVX512VNNI)) return half ? &planes_avx512vnni_two_bytes : &planes_avx512vnni_bytes;
    if (!cpu_has(CPU_AVX2)) return NULL;
    if (half) return vnni ? &planes_avxvnni_words : &planes_avx2_words;
    if (bits == 4) return vnni ? &planes_avxvnni_bytes : &planes_avx2_bytes;
    return vnni ? &planes_avxvnni_two_words : &planes_avx2_two_words;
}

/* Where a pass of the planes over the weights starts to cost more than dequantizing them once. */
int64_t matmul_plane_tokens(matmul_dtype dtype) {
    bool half = dtype == MATMUL_BF16;
    if (cpu_has(CPU_AMX)) return half ? 6 : 10;
    if (!cpu_has(CPU_AVX512VNNI)) return 8;
    return half && cpu_has(CPU_FASTBF16) ? 16 : 32;
}
