/* Tokens as words for the engines that multiply them by packed weights in integers: what engine_words.tpl.h packs and
 * whom it cannot. */
#ifndef CPU_MATMUL_ENGINE_WORDS_H
#define CPU_MATMUL_ENGINE_WORDS_H

#include "cpu/matmul/engine.h"

/* Whether words cannot hold this token, of a half type: infinities, NaN, or a group below 1e-20 but not zero. The
 * engine's sums for it mean nothing. */
bool matmul_words_unfit(const matmul_operand *x, int64_t token, int64_t depth, int group);

#endif
