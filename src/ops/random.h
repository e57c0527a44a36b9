/* What the files of random numbers share. */
#ifndef OPS_RANDOM_H
#define OPS_RANDOM_H

#include "ops/build.h"
#include "tarn/random.h"

/* A key is uint32 [..., 2]. */
bool random_check_key(const tarn_array *key);

/* A float dtype, or an error of the function. */
bool random_check_float(const char *what, tarn_dtype dtype);

#endif
