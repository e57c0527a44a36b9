/* The geometry of a convolution along one spatial axis, from the attributes of conv: what its shape rule and its
   kernels share. */
#ifndef TABLE_CONV_H
#define TABLE_CONV_H

#include "base/checked.h"
#include "table/table.h"

/* Place t of the result meets, at place k of the kernel, the element at t * stride + k * kernel_dilation - low of x, in
   which input_dilation - 1 zeros stand between elements; what lies outside is zero. */
typedef struct {
    int64_t stride, kernel_dilation, input_dilation, low, high;
} conv_axis;

static inline int64_t conv_entry(tarn_ints list, int axis, int64_t absent) {
    return list.count ? list.values[list.count == 1 ? 0 : axis] : absent;
}

/* Of spatial axis `axis`, along which the kernel has `kernel` elements. The entries were checked: below 2^31. */
static inline conv_axis conv_axis_of(const attributes_conv *a, int axis, int64_t kernel) {
    int64_t dilation = conv_entry(a->kernel_dilation, axis, 1), rest = a->full ? dilation * (kernel - 1) : 0;
    return (conv_axis){.stride = conv_entry(a->stride, axis, 1),
                       .kernel_dilation = dilation,
                       .input_dilation = conv_entry(a->input_dilation, axis, 1),
                       .low = rest + conv_entry(a->low, axis, 0),
                       .high = rest + conv_entry(a->high, axis, 0)};
}

/* How many elements x has with its zeros in between, and how many the kernel reaches over. */
static inline int64_t conv_widened(const conv_axis *c, int64_t size) {
    return size > 0 ? c->input_dilation * (size - 1) + 1 : 0;
}
static inline int64_t conv_reach(const conv_axis *c, int64_t kernel) {
    return c->kernel_dilation * (kernel - 1) + 1;
}

#endif
