/* Convolutions with few outputs, whose products would be too narrow: gradients of pictures. */
#ifndef CPU_CONV_FEW_H
#define CPU_CONV_FEW_H

#include "backend/call.h"

bool conv_few_fits(const call *c);
int64_t conv_few_workspace(const call *c);
bool conv_few_run(const call *c);

#endif
