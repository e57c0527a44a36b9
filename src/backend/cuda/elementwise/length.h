/* What is unrolled and what is called in a group's kernel: compiling takes as long as the code is, and 150 ms at
 * most are asked. How many inputs and axes there are is not counted. */
#ifndef CUDA_ELEMENTWISE_LENGTH_H
#define CUDA_ELEMENTWISE_LENGTH_H

#include "backend/call.h"

/* How many of a thread's pairs of elements go through the instructions without a loop: all of them, half, … one. */
int group_unrolled(const group_program *p, int pairs);

/* Whether the instruction's row is a function that is called, which costs its registers at run time: of complex numbers
   all that is not arithmetic, and what is long where even one pair of elements is too much code. */
bool group_calls(const group_program *p, const group_instruction *in);

#endif
