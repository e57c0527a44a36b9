/* Rules of rows that only tests use. */
#ifdef TARN_TEST_ROWS
#include "ops/rules.h"

static bool infer(inference *i) {
    return types_add(i, i->inputs[0]->dtype, i->inputs[0]->ndim, i->inputs[0]->shape);
}

const op_rules rules_test_effect = {.infer = infer, .vmap = vmap_anywhere, .no_vjp = "it only tests effects"};
#else
typedef int no_rows; /* a file is not empty */
#endif
