#ifndef OPS_REDUCE_H
#define OPS_REDUCE_H

#include "ops/build.h"

/* reduced[i]: axis i is among axes (absent: all are). */
bool reduce_axes(const char *op, tarn_ints axes, int ndim, bool *reduced);

#endif
