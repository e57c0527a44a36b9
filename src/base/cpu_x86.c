/* cpu_detect for x86. */
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cpu.h"

typedef struct {
    unsigned a, b, c, d;
} registers;

static registers ask(unsigned leaf, unsigned part) {
    registers r = {0};
    if (!__get_cpuid_count(leaf, part, &r.a, &r.b, &r.c, &r.d)) r = (registers){0};
    return r;
}

/* The kernel gives a process the 8 KiB of tile state only when it asks (Linux 5.16: arch_prctl ARCH_REQ_XCOMP_PERM,
 * feature 18). */
static bool has_tiles(void) {
    const unsigned tiles = 1u << 24 | 1u << 25 | 1u << 22; /* tile, int8, bf16 */
    return (ask(7, 0).d & tiles) == tiles && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

static cpu_features beyond_avx512(void) {
    cpu_features found = CPU_AVX512;
    if (__builtin_cpu_supports("avx512vnni")) found |= CPU_AVX512VNNI;
    if (__builtin_cpu_supports("avx512vbmi")) found |= CPU_AVX512VBMI;
    if (ask(7, 1).a & 1u << 5) found |= CPU_AVX512BF16;
    if (ask(7, 0).d & 1u << 23) found |= CPU_AVX512FP16;
    if ((found & CPU_AVX512BF16) && __builtin_cpu_is("amd")) found |= CPU_FASTBF16;
    return found | (has_tiles() ? CPU_AMX : 0);
}

/* __builtin_cpu_supports also asks whether the operating system saves the registers. */
cpu_features cpu_detect(void) {
    __builtin_cpu_init();
    bool half_floats = ask(1, 0).c & 1u << 29;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !half_floats) return 0;
    cpu_features found = CPU_AVX2 | (ask(7, 1).a & 1u << 4 ? CPU_AVXVNNI : 0);
    return has_avx512() ? found | beyond_avx512() : found;
}
#endif
