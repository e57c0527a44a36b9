/* What the processor and the operating system allow this process. */
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include <stdbool.h>
#include <stddef.h>

/* Instruction sets for which there are kernels, each including those before it. */
typedef enum { ISA_BASELINE, ISA_AVX2, ISA_AVX512, ISA_VNNI, ISA_AMX, ISA_COUNT } cpu_isa;

/* The best set that the processor and the kernel support; TARN_ISA=baseline|avx2|avx512|vnni|amx lowers it. AMX is asked of the kernel
 * once. */
cpu_isa cpu_best_isa(void);
/* The same without TARN_ISA and cpu_limit_isa. */
cpu_isa cpu_machine_isa(void);
/* Lowers or restores (ISA_COUNT) the set used from now on; for tests. Never raises it above what the machine has. */
void cpu_limit_isa(cpu_isa limit);
const char *cpu_isa_name(cpu_isa isa);
const char *cpu_model_name(void); /* "" if the system does not tell */

/* Physical cores this process may use: affinity mask, cgroup quota; TARN_THREADS overrides. At least 1. */
int cpu_thread_count(void);
size_t cpu_l2_bytes(void); /* of one core; 1 MiB if unknown */

#endif
