/* What formulas share. */
#ifndef OPS_FUSED_FORMULA_H
#define OPS_FUSED_FORMULA_H

#include "ops/build.h"

/* x in the dtype formulas compute in: float32 for half types, else x's own. */
tarn_array *formula_widen(tarn_array *x);
/* x in that dtype again. */
tarn_array *formula_narrow(tarn_array *x, tarn_dtype dtype);
/* One output of input 0's dtype and shape; float inputs only. */
bool infer_same_float(inference *i);

#endif
