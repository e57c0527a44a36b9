/* A kernel that the user wrote for a device: what the op device_kernel has as its attribute. It is made once and not
   changed; nodes count their hold on it. */
#ifndef TABLE_DEVICE_KERNEL_H
#define TABLE_DEVICE_KERNEL_H

#include <stdatomic.h>

#include "base/arena.h"
#include "table/table.h"
#include "tarn/device_kernel.h"

typedef struct {
    atomic_int holders;
    arena memory; /* of all that the description points to */
    tarn_device_kernel_options options;
    int input_count;
} device_kernel;

enum { DEVICE_KERNEL_MOST = 32 }; /* inputs, outputs, scalars */

extern const object_type device_kernel_type;

/* A copy of what the options say, with one holder; NULL with the error set. */
device_kernel *device_kernel_new(const tarn_device_kernel_options *options, int input_count);

/* The dtype and number of axes of each input decide what its code is. */
typedef struct {
    tarn_dtype dtype;
    int ndim;
} device_kernel_input;

/* Whether the source asks for this of an input: its name with "_shape", "_strides" or "_ndim" behind it. An input
   without axes has none of them. */
bool device_kernel_wants(const device_kernel *kernel, int input, int ndim, const char *what);
/* The source of the function, in CUDA C++. */
bool device_kernel_print(const device_kernel *kernel, const device_kernel_input *inputs, text *out);
/* The name of the function. */
bool device_kernel_name(const device_kernel *kernel, text *out);

#endif
