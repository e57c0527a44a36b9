/* Functions whose arguments fit no annotation. */
#include "special.h"

#include <math.h>

tarn_array *round_to(tarn_array *a, int64_t decimals) {
    if (decimals == 0) return tarn_round(a);
    tarn_array *scale =
        tarn_scalar(pow(10, (double)decimals), is_floating(tarn_dtype_of(a)) ? tarn_dtype_of(a) : TARN_FLOAT32);
    return tarn_astype(tarn_divide(tarn_round(tarn_multiply(a, scale)), scale), tarn_dtype_of(a));
}
