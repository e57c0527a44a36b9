/* A user's kernel in CUDA C++, which only a CUDA device runs. */
#include "reference/reference.h"
#include "table/device_kernel.h"
#include "tarn/error.h"

static bool run(const call *c) {
    const attributes_device_kernel *a = c->attributes;
    const device_kernel *k = a->kernel.object;
    return tarn_fail("device_kernel: %s is a kernel in CUDA C++: it runs on CUDA devices only", k->options.name);
}

const kernel_row reference_device_kernel = {REFERENCE_ROW(device_kernel), .run = run};
