/* Kernels that users wrote: copies of their descriptions, and the source that is made of them. */
#include "table/device_kernel.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "tarn/error.h"

/* ---- copies */
static const void *copied(arena *a, const void *from, size_t bytes) {
    void *to = from && bytes ? arena_take(a, bytes) : NULL;
    return to ? memcpy(to, from, bytes) : NULL;
}

static const char *copied_string(arena *a, const char *from) {
    return from ? copied(a, from, strlen(from) + 1) : NULL;
}

static const char *const *copied_names(arena *a, const char *const *from, int count) {
    const char **to = from && count ? ARENA_NEW_ARRAY(a, const char *, (size_t)count) : NULL;
    for (int i = 0; to && i < count; i++) to[i] = copied_string(a, from[i]);
    return to;
}

static void copy_constants(arena *a, tarn_device_kernel_options *o) {
    tarn_kernel_constant *to =
        o->constant_count ? ARENA_NEW_ARRAY(a, tarn_kernel_constant, (size_t)o->constant_count) : NULL;
    for (int i = 0; to && i < o->constant_count; i++) {
        to[i] = o->constants[i];
        to[i].name = copied_string(a, to[i].name);
    }
    o->constants = to;
}

static void copy_outputs(arena *a, tarn_device_kernel_options *o) {
    tarn_kernel_output *to = ARENA_NEW_ARRAY(a, tarn_kernel_output, (size_t)o->output_count);
    for (int i = 0; to && i < o->output_count; i++) {
        to[i] = o->outputs[i];
        to[i].shape.values = copied(a, to[i].shape.values, (size_t)to[i].shape.count * sizeof *to[i].shape.values);
    }
    o->outputs = to;
}

/* Compiled code ends with a zero, as PTX must. */
static void copy_code(arena *a, tarn_device_kernel_options *o) {
    char *to = o->code ? arena_take(a, o->code_bytes + 1) : NULL;
    o->code = to ? memcpy(to, o->code, o->code_bytes) : NULL;
}

device_kernel *device_kernel_new(const tarn_device_kernel_options *options, int input_count) {
    device_kernel *k = NEW(device_kernel);
    if (!k) return NULL;
    tarn_device_kernel_options *o = &k->options;
    arena *a = &k->memory;
    *o = *options;
    k->input_count = input_count;
    atomic_init(&k->holders, 1);
    o->name = copied_string(a, o->name);
    o->source = copied_string(a, o->source);
    o->header = copied_string(a, o->header);
    o->input_names = copied_names(a, o->input_names, input_count);
    o->output_names = copied_names(a, o->output_names, o->output_count);
    o->scalars = copied(a, o->scalars, (size_t)o->scalar_count * sizeof *o->scalars);
    copy_constants(a, o);
    copy_outputs(a, o);
    copy_code(a, o);
    if (tarn_ok()) return k;
    device_kernel_type.release(k);
    return NULL;
}

static void retain(void *object) {
    atomic_fetch_add(&((device_kernel *)object)->holders, 1);
}

static void release(void *object) {
    device_kernel *k = object;
    if (atomic_fetch_sub(&k->holders, 1) > 1) return;
    arena_free(&k->memory);
    memory_free(k);
}

static bool describe(const void *object, text *out) {
    return text_add(out, ((const device_kernel *)object)->options.name);
}

const object_type device_kernel_type = {
    .name = "device kernel", .retain = retain, .release = release, .describe = describe};

/* ---- the source */
bool device_kernel_wants(const device_kernel *kernel, int input, int ndim, const char *what) {
    char word[256];
    snprintf(word, sizeof word, "%s_%s", kernel->options.input_names[input], what);
    return ndim > 0 && strstr(kernel->options.source, word);
}

static const char *type_name(tarn_dtype dtype) {
    static const char *const names[TARN_DTYPE_COUNT] = {
        [TARN_BOOL] = "bool",       [TARN_UINT8] = "uint8_t",          [TARN_UINT16] = "uint16_t",
        [TARN_UINT32] = "uint32_t", [TARN_UINT64] = "uint64_t",        [TARN_INT8] = "int8_t",
        [TARN_INT16] = "int16_t",   [TARN_INT32] = "int32_t",          [TARN_INT64] = "int64_t",
        [TARN_FLOAT16] = "__half",  [TARN_BFLOAT16] = "__nv_bfloat16", [TARN_FLOAT32] = "float",
        [TARN_FLOAT64] = "double",  [TARN_COMPLEX64] = "complex64_t"};
    return names[dtype];
}

static const char preamble[] =
    "typedef signed char int8_t;\n"
    "typedef unsigned char uint8_t;\n"
    "typedef short int16_t;\n"
    "typedef unsigned short uint16_t;\n"
    "typedef int int32_t;\n"
    "typedef unsigned int uint32_t;\n"
    "typedef long long int64_t;\n"
    "typedef unsigned long long uint64_t;\n"
    "struct complex64_t { float re, im; };\n"
    "template <class T> struct list_of_axes {\n"
    "    T values[%d];\n"
    "    __device__ const T *data() const { return values; }\n"
    "    __device__ T operator[](int i) const { return values[i]; }\n"
    "};\n"
    "typedef list_of_axes<int32_t> Shape;\n"
    "typedef list_of_axes<int64_t> Strides;\n"
    "template <class T>\n"
    "__device__ T elem_to_loc(T element, const int32_t *shape, const int64_t *strides, int ndim) {\n"
    "    T place = 0;\n"
    "    for (int i = ndim - 1; i >= 0; i--) {\n"
    "        place += T(element %% shape[i]) * T(strides[i]);\n"
    "        element /= shape[i];\n"
    "    }\n"
    "    return place;\n"
    "}\n";

static bool has_word(const device_kernel *k, const char *word) {
    const char *header = k->options.header;
    return strstr(k->options.source, word) || (header && strstr(header, word));
}

static bool has_dtype(const device_kernel *k, const device_kernel_input *inputs, tarn_dtype dtype) {
    const tarn_device_kernel_options *o = &k->options;
    for (int i = 0; i < k->input_count; i++)
        if (inputs[i].dtype == dtype) return true;
    for (int i = 0; i < o->output_count; i++)
        if (o->outputs[i].dtype == dtype) return true;
    for (int i = 0; i < o->constant_count; i++)
        if (o->constants[i].kind == TARN_KERNEL_TYPE && o->constants[i].value == (int64_t)dtype) return true;
    return false;
}

/* CUDA's headers take long to compile: those that something is used of. */
static void print_includes(const device_kernel *k, const device_kernel_input *inputs, text *out) {
    if (has_dtype(k, inputs, TARN_FLOAT16) || has_word(k, "half")) text_add(out, "#include <cuda_fp16.h>\n");
    if (has_dtype(k, inputs, TARN_BFLOAT16) || has_word(k, "bfloat16")) text_add(out, "#include <cuda_bf16.h>\n");
    if (has_word(k, "cuda::std"))
        text_add(out, "#include <cuda/std/array>\n#include <cuda/std/cmath>\n#include <cuda/std/limits>\n");
    if (has_word(k, "cg::") || has_word(k, "cooperative_groups"))
        text_add(out, "#include <cooperative_groups.h>\nnamespace cg = cooperative_groups;\n");
}

static void print_arguments(const device_kernel *k, const device_kernel_input *inputs, text *out) {
    const tarn_device_kernel_options *o = &k->options;
    const char *comma = "";
    for (int i = 0; i < k->input_count; i++, comma = ", ") {
        const char *name = o->input_names[i];
        text_format(out, "%sconst %s *%s", comma, type_name(inputs[i].dtype), name);
        if (device_kernel_wants(k, i, inputs[i].ndim, "shape"))
            text_format(out, ", const __grid_constant__ Shape %s_shape", name);
        if (device_kernel_wants(k, i, inputs[i].ndim, "strides"))
            text_format(out, ", const __grid_constant__ Strides %s_strides", name);
        if (device_kernel_wants(k, i, inputs[i].ndim, "ndim"))
            text_format(out, ", const __grid_constant__ int %s_ndim", name);
    }
    for (int i = 0; i < o->output_count; i++, comma = ", ")
        text_format(out, "%s%s *%s", comma, type_name(o->outputs[i].dtype), o->output_names[i]);
}

static void print_constant(const tarn_kernel_constant *c, text *out) {
    if (c->kind == TARN_KERNEL_TYPE)
        text_format(out, "    using %s = %s;\n", c->name, type_name((tarn_dtype)c->value));
    else if (c->kind == TARN_KERNEL_TRUTH)
        text_format(out, "    constexpr bool %s = %s;\n", c->name, c->value ? "true" : "false");
    else
        text_format(out, "    constexpr int64_t %s = %lldll;\n", c->name, (long long)c->value);
}

bool device_kernel_print(const device_kernel *kernel, const device_kernel_input *inputs, text *out) {
    const tarn_device_kernel_options *o = &kernel->options;
    print_includes(kernel, inputs, out);
    text_format(out, preamble, TARN_MAX_NDIM);
    text_format(out, "%s\nextern \"C\" __global__ void ", o->header ? o->header : "");
    device_kernel_name(kernel, out);
    text_add(out, "(");
    print_arguments(kernel, inputs, out);
    text_add(out, ") {\n");
    for (int i = 0; i < o->constant_count; i++) print_constant(&o->constants[i], out);
    text_format(out, "%s\n}\n", o->source);
    return !out->failed;
}

bool device_kernel_name(const device_kernel *kernel, text *out) {
    return text_format(out, "%s%s", kernel->options.code ? "" : "custom_kernel_", kernel->options.name);
}
