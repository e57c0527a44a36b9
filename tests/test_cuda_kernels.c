/* What the CUDA backend serves, by the matrix that tarn doctor --kernels prints: every op has a kernel, a formula or a
   reason. Needs the shared object, not a device; skips where it was not made. */
#include <stdlib.h>

#include "check.h"
#include "tarn/tarn.h"
#include "paths.h"

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    char *matrix = tarn_kernel_matrix(TARN_CUDA);
    if (!matrix) return printf("%s\n", tarn_error()), 77;
    fputs(matrix, stdout);
    CHECK(strstr(matrix, "\nmatmul ") && strstr(matrix, "\nattention "));
    CHECK(!strstr(matrix, "no reason is given"));
    tarn_free(matrix);
    char *host = tarn_kernel_matrix(TARN_CPU);
    CHECK(host && !strstr(host, "no reason is given"));
    tarn_free(host);
    CHECK_ERROR(tarn_kernel_matrix(TARN_DEVICE_TYPE_COUNT) != NULL, "no backend");
    return check_report("cuda kernels");
}
