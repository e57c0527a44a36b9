/* Hard mode's checks around kernels of devices whose memory is the host's (base/hard.h). */
#ifndef EVAL_HARD_H
#define EVAL_HARD_H

#include "eval/program.h"

/* Fills the memory that step `index` is the first to write, and the guard behind it. */
void hard_fill_outputs(const program *p, int index, const call *c);
/* Whether the guard bytes behind that memory are untouched. */
bool hard_guards_hold(const program *p, int index, const call *c);

#endif
