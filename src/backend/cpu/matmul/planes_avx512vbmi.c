/* Planes for AVX-512 with VNNI and VBMI: bytes move anywhere within a register. */
#include <immintrin.h>

#include "cpu/matmul/inline.h"
#include "cpu/matmul/planes.h"

/* 64 values: spread so that each quadword has the bytes of its eight values, then every byte takes its bits. */
INLINE __m512i unpack_any(const __m512i *table, __m512i packed) {
    __m512i bytes = _mm512_permutexvar_epi8(table[0], packed);
    return _mm512_and_si512(_mm512_multishift_epi64_epi8(table[1], bytes), table[2]);
}

static void set_tables(planes_pass *pass) {
    for (int i = 0; i < 64; i++) {
        pass->tables[0][i] = (uint8_t)((i / 8 * pass->bits + i % 8) & 63);
        pass->tables[1][i] = (uint8_t)(i % 8 * pass->bits & 63);
        pass->tables[2][i] = (uint8_t)((1 << pass->bits) - 1);
    }
}

#define PLANES(kind) planes_avx512vbmi_##kind
#include "cpu/matmul/planes_512.tpl.h"
