/* How the CPU backend is put together: every family of kernels answers one question, and cpu.c lays the answers over
   each other by instruction set. Kernels that are compiled for an instruction set live in files named <family>_<isa>.c.
 */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include "backend/backend.h"
#include "base/cpu.h"

enum { CPU_FAMILY_ROWS = 8 };

/* The sets that whole families are compiled for, and the level that each needs. */
typedef enum { ISA_BASELINE, ISA_AVX2, ISA_AVX512, ISA_COUNT } cpu_isa;
extern const cpu_level *const cpu_isa_levels[ISA_COUNT];

/* X(isa, ISA) for every set that this kind of processor may have: a family's rows and its table of them are made by it.
 */
#ifdef __x86_64__
#define CPU_EACH_ISA(X) X(baseline, ISA_BASELINE) X(avx2, ISA_AVX2) X(avx512, ISA_AVX512)
#else
#define CPU_EACH_ISA(X) X(baseline, ISA_BASELINE)
#endif

static inline bool cpu_isa_is_used(cpu_isa isa) {
    return cpu_has(cpu_isa_levels[isa]->needs);
}

/* For functions that need no rows of their own: which of a table of them by set is used. */
static inline cpu_isa cpu_best_isa(void) {
    cpu_isa best = ISA_COUNT - 1;
    while (best > ISA_BASELINE && !cpu_isa_is_used(best)) best--;
    return best;
}

/* Writes the rows that the family has for `op` compiled for exactly this instruction set, best first, and returns how
   many. cpu.c asks for every set in use, the best one first, so a row that suits all sets is given for ISA_BASELINE
   alone. */
typedef int cpu_family(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]);

cpu_family cpu_rows_elementwise; /* groups */
cpu_family cpu_rows_copy;        /* contiguous, concatenate, slice_update, slice_array */
cpu_family cpu_rows_index;       /* gather, scatter, nonzero, checked_indices */
cpu_family cpu_rows_reduce;      /* reduce, mean, arg_reduce */
cpu_family cpu_rows_sort;        /* sort, argsort */
cpu_family cpu_rows_search;      /* searchsorted */
cpu_family cpu_rows_scan;
cpu_family cpu_rows_norm; /* softmax, norms, var, rope */
cpu_family cpu_rows_attention;
cpu_family cpu_rows_attention_gradient;
cpu_family cpu_rows_make;   /* arange */
cpu_family cpu_rows_random; /* random_bits */
cpu_family cpu_rows_linalg; /* factors of matrices, equations */
cpu_family cpu_rows_fft;
cpu_family cpu_rows_quant;  /* quantize, dequantize */
cpu_family cpu_rows_matmul; /* matmul, quantized_matmul, gather_mm, gather_qmm */
cpu_family cpu_rows_conv;

/* Appends the rows of a static table (NULL: there are none) that serve `op`: the usual body of a family. */
static inline int cpu_pick_rows(op_id op, const kernel_row *rows, int count, const kernel_row *out[CPU_FAMILY_ROWS],
                                int found) {
    for (int i = 0; rows && i < count && found < CPU_FAMILY_ROWS; i++)
        if (rows[i].op == op) out[found++] = &rows[i];
    return found;
}

/* cpu_rows_<name> of a family that has a table rows_<isa> for each instruction set, all equally long. */
#define CPU_FAMILY_TABLE(isa, isa_id) [isa_id] = rows_##isa,
#define CPU_FAMILY(name)                                                                                               \
    int cpu_rows_##name(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]) {                               \
        static const kernel_row *const tables[ISA_COUNT] = {CPU_EACH_ISA(CPU_FAMILY_TABLE)};                           \
        return cpu_pick_rows(op, tables[isa], (int)(sizeof rows_baseline / sizeof *rows_baseline), out, 0);            \
    }

/* backend.measure and backend.describe */
bool cpu_measure(int device, tarn_measurement *result);
bool cpu_describe(int device, tarn_measurement *result);

#endif
