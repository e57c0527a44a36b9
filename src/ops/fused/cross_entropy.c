/* Cross entropy with class indices: said in other ops, which carry its gradients and batches. */
#include "ops/front.h"
#include "ops/fused/formula.h"

tarn_array *tarn_cross_entropy(tarn_array *logits, tarn_array *targets) {
    FRONT("cross_entropy");
    REQUIRE(logits, targets);
    if (logits->ndim < 1 || dtype_kind_of(logits->dtype) != KIND_FLOAT)
        return tarn_fail("cross_entropy: the logits must be floats of one axis at least, they are %s with %d",
                         tarn_dtype_name(logits->dtype), logits->ndim),
               NULL;
    if (dtype_kind_of(targets->dtype) != KIND_INT || targets->ndim != logits->ndim - 1)
        return tarn_fail("cross_entropy: the targets must be integers with the axes of the logits but the last"), NULL;
    for (int i = 0; i < targets->ndim; i++)
        if (targets->shape[i] != logits->shape[i])
            return tarn_fail("cross_entropy: axis %d of the targets has %lld elements, of the logits %lld", i,
                             (long long)targets->shape[i], (long long)logits->shape[i]),
                   NULL;
    logits = formula_widen(logits);
    tarn_array *picked = tarn_take_along_axis(logits, tarn_expand_dims(targets, TARN_AXES(-1)), .axis = TARN_AXIS(-1));
    tarn_array *loss =
        tarn_subtract(tarn_logsumexp(logits, .axes = TARN_AXES(-1)), tarn_squeeze(picked, .axes = TARN_AXES(-1)));
    return formula_narrow(loss, TARN_FLOAT32);
}
