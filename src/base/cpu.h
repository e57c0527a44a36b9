/* What the processor and the operating system allow this process. */
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Instruction sets that kernels are compiled for, a bit each. A processor has any set of them; no order is assumed. */
typedef uint32_t cpu_features;
enum {
    CPU_AVX2 = 1 << 0,       /* with FMA and F16C */
    CPU_AVXVNNI = 1 << 1,    /* vpdpbusd on 32-byte registers, VEX encoding */
    CPU_AVX512 = 1 << 2,     /* F, BW, CD, DQ, VL */
    CPU_AVX512VNNI = 1 << 3, /* vpdpbusd on 64-byte registers */
    CPU_AVX512VBMI = 1 << 4,
    CPU_AVX512BF16 = 1 << 5,
    CPU_AVX512FP16 = 1 << 6,
    CPU_FASTBF16 = 1 << 7, /* vdpbf16ps beats multiplications in float32: AMD */
    CPU_AMX = 1 << 8,      /* tiles of int8 and bf16, granted by the kernel */
    CPU_NEON = 1 << 9
};

/* What the machine has, and what is used of it: where TARN_ISA names a level (cpu_levels), no features beyond it. */
cpu_features cpu_found(void);
cpu_features cpu_used(void);

/* False while compiling for processors that never have what is wanted, so that what is called only then need not be
 * there. */
static inline bool cpu_has(cpu_features wanted) {
#ifndef __x86_64__
    if (wanted & ~(cpu_features)CPU_NEON) return false;
#endif
    return (cpu_used() & wanted) == wanted;
}

/* The usual sets, from the least to the most: a machine is of a level if it has what the level needs. */
typedef struct {
    const char *name;
    cpu_features needs, allows; /* allows: used besides, where there */
} cpu_level;
enum { CPU_LEVELS = 8 };
extern const cpu_level cpu_levels[CPU_LEVELS];

/* Uses no features beyond a level from now on; false if one that it needs is missing, but the level is set all the
   same. NULL: back to all that TARN_ISA allows. For tests. */
bool cpu_limit(const cpu_level *level);

/* The names of the features, with spaces between them; "baseline" if there are none. */
enum { CPU_TEXT = 128 };
void cpu_features_text(cpu_features features, char text[CPU_TEXT]);
const char *cpu_model_name(void); /* "" if the system does not tell */

/* Physical cores this process may use: affinity mask, cgroup quota; TARN_THREADS overrides. At least 1. */
int cpu_thread_count(void);

/* Asks the processor: cpu_x86.c or cpu_other.c. */
cpu_features cpu_detect(void);

#endif
