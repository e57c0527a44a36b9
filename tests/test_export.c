/* Functions in files: written, read and called, they give the same bits. */
#include "check.h"
#include "into.h"
#include "tarn/tarn.h"
#include "temporary_folder.h"

static bool call_small(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)count;
    tarn_array *y = tarn_add(tarn_matmul(tarn_tanh(x[0]), context), tarn_scalar(2, TARN_FLOAT32));
    return tarn_result(results, tarn_softmax(y, .axes = TARN_AXES(-1)));
}

int main(void) {
    TARN_SCOPE;
    const char *path = "/tmp/small.tarn";
    tarn_array *x = tarn_reshape(tarn_arange(0, 6, 1, TARN_FLOAT32), TARN_SHAPE(2, 3)),
               *w = tarn_multiply(tarn_ones(TARN_SHAPE(3, 3), TARN_FLOAT32), tarn_scalar(0.5, TARN_FLOAT32));
    CHECK(tarn_export_function(path, TARN_FUNCTION(call_small, w), &x, 1));
    tarn_imported_function *f = tarn_import_function(path);
    CHECK(f);
    tarn_array *y[1] = {NULL}, *z[1] = {NULL};
    CHECK(into(y, tarn_imported_call(f, &x, 1)) && into(z, tarn_call(TARN_FUNCTION(call_small, w), &x, 1)));
    CHECK(tarn_print(y[0], stdout) && tarn_print(z[0], stdout));
    tarn_array *s = tarn_transpose(x);
    CHECK(!tarn_imported_call(f, &s, 1)); puts(tarn_error()); tarn_clear_error();
    tarn_imported_free(f);
    return check_report("export");
}
