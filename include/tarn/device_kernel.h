/* Kernels in CUDA C++: compiled when they are first used and run on arrays like any operation. They run on CUDA devices
   only; nothing is known of their gradients. */
#ifndef TARN_DEVICE_KERNEL_H
#define TARN_DEVICE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tarn/array.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A name that the source uses as a constant: an integer, a truth, or a type. */
typedef enum { TARN_KERNEL_INTEGER, TARN_KERNEL_TRUTH, TARN_KERNEL_TYPE } tarn_kernel_constant_kind;
typedef struct {
    const char *name;
    tarn_kernel_constant_kind kind;
    int64_t value; /* a tarn_dtype for a type */
} tarn_kernel_constant;

/* A number that a compiled kernel takes behind its arrays: bool, int or float in C. */
typedef enum { TARN_KERNEL_BOOL, TARN_KERNEL_INT, TARN_KERNEL_FLOAT } tarn_kernel_scalar_kind;
typedef struct {
    tarn_kernel_scalar_kind kind;
    double value;
} tarn_kernel_scalar;

typedef struct {
    tarn_dtype dtype;
    tarn_ints shape;
} tarn_kernel_output;

/* The function that is made of a source is

       extern "C" __global__ void custom_kernel_NAME(const T *INPUT, …, U *OUTPUT, …) { CONSTANTS SOURCE }

   with `header` before it. Behind an input come, where the source has these words, `const Shape INPUT_shape`,
   `const Strides INPUT_strides` and `const int INPUT_ndim`: int32 sizes and int64 steps in elements, by index or as
   `.data()`; elem_to_loc(element, shape, strides, ndim) is where an element lies. */
typedef struct {
    const char *name;
    const char *source, *header; /* header: NULL for none */
    const char *const *input_names, *const *output_names;
    const tarn_kernel_constant *constants;
    int constant_count;
    /* Or a compiled one: PTX or a cubin of so many bytes, whose function is called `name` and takes inputs, outputs and
       these scalars. */
    const void *code;
    size_t code_bytes;
    const tarn_kernel_scalar *scalars;
    int scalar_count;
    const tarn_kernel_output *outputs;
    int output_count;
    int64_t grid[3], block[3]; /* threads in all, and of a block, along x, y and z */
    int64_t shared_bytes;      /* dynamic shared memory of a block */
    bool any_strides;          /* inputs are taken as they lie; else they are row-major */
    bool is_filled;            /* outputs are `fill` before the kernel runs; else they may be anything */
    double fill;
} tarn_device_kernel_options;

/* Runs the kernel on `count` inputs; result i is described by options->outputs[i]. What the options point to is copied.
   Evaluated where there is no CUDA device it is an error, as is a source that does not compile, with what the compiler
   says. */
TARN_API bool tarn_device_kernel(const tarn_device_kernel_options *options, tarn_array *const *inputs, int count,
                                 tarn_array **results);
/* The source as it is compiled, to be released with tarn_free. */
TARN_API char *tarn_device_kernel_source(const tarn_device_kernel_options *options, tarn_array *const *inputs,
                                         int count);

#ifdef __cplusplus
}
#endif
#endif
