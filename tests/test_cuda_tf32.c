/* Products of float32 matrices on a CUDA device are those of float32, and where TARN_TF32=1 asks for it those of TF32:
   the setting is read once in a process, so that one asks for it and another does not. Skips where there is no device.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "cuda_device.h"

enum { SIZE = 128, NO_DEVICE = 77 };

/* Rows of 1 + 2^-12, which TF32 rounds to 1, with columns of 1. */
static bool product_is(double expected) {
    operand x = make(TARN_FLOAT32, DIMS(SIZE, SIZE)), y = make(TARN_FLOAT32, DIMS(SIZE, SIZE)),
            product = make(TARN_FLOAT32, DIMS(SIZE, SIZE)), in[] = {x, y};
    for (int i = 0; i < SIZE * SIZE; i++) put(&x, i, 1 + 0x1p-12), put(&y, i, 1);
    CHECK(run_on_cuda((call){.op = OP_matmul, .input_count = 2, .output_count = 1, .inputs = in, .outputs = &product}),
          "%s", tarn_error());
    for (int i = 0; i < SIZE * SIZE; i++)
        CHECK(get(&product, i) == expected, "element %d: %.9g, not %.9g", i, get(&product, i), expected);
    return failures == 0;
}

static int run_with(const char *setting, double expected) {
    setenv("TARN_TF32", setting, 1);
    if (!open_cuda()) return failures ? 1 : NO_DEVICE;
    bool ok = product_is(expected);
    cuda->stream_free(cuda_stream);
    return !ok;
}

/* The status of a process of its own. */
static int run_apart(const char *setting, double expected) {
    int status = 1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int ended = run_with(setting, expected);
        fflush(stdout);
        _exit(ended);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(void) {
    int status = run_apart("0", SIZE * (1 + 0x1p-12));
    if (status == 0) status = run_apart("1", SIZE);
    if (status != NO_DEVICE) printf("cuda tf32: %s\n", status ? "failed" : "passed");
    return status;
}
