/* What expressions of the rows call beside the library's functions. */
#ifndef SPECIAL_H
#define SPECIAL_H

#include "extension.h"
#include "tree.h"

static inline tarn_dtype dtype_or(optional_dtype dtype, tarn_dtype absent) {
    return dtype.given ? dtype.value : absent;
}
static inline int64_t int_or(tarn_axis value, int64_t absent) {
    return value.given ? value.axis : absent;
}

static inline tarn_array *cast_to(tarn_array *a, optional_dtype dtype) {
    return dtype.given ? tarn_astype(a, dtype.value) : a;
}
/* An axis that is None is that of the array flattened. */
static inline tarn_array *flat_if_none(tarn_array *a, tarn_axis axis) {
    return axis.given ? a : tarn_flatten(a);
}

/* ---- creation.c */
tarn_array *range_of(PyObject *start, PyObject *stop, PyObject *step, optional_dtype dtype);
tarn_array *filled_with(tarn_ints shape, PyObject *value, optional_dtype dtype);
bool grid_of(const array_list *arrays, bool sparse, const char *indexing, array_list *out);
tarn_array *search_sorted(tarn_array *sorted, tarn_array *values, const char *side);
PyObject *unique_of(tarn_array *a, int64_t size, bool index, bool inverse, bool counts, tarn_array *fill);

PyObject *namespace_info(void);
tarn_array *as_array(PyObject *value, optional_dtype dtype, PyObject *copy);

/* ---- print.c */
bool set_printing(int64_t precision);
PyObject *get_printing(void);
PyObject *printing_context(int64_t precision);

/* ---- products.c */
tarn_array *tensordot_over(tarn_array *a, tarn_array *b, PyObject *axes);
PyObject *einsum_path_of(const char *subscripts, const array_list *operands);
bool quantize_to(array_list *out, tarn_array *w, tarn_quantize_options options); /* two parts or three */
tarn_array *conv_padded(tarn_array *x, tarn_array *weight, PyObject *padding, tarn_conv_general_options options);
/* 0 groups are none, not what C takes as not given. */
static inline int64_t groups_or_error(int64_t groups) {
    return groups ? groups : -1;
}

/* ---- random.c: the given key, or without one the next of the thread's state. NULL with an exception. */
tarn_array *random_key(tarn_array *key);
bool random_seed(uint64_t seed);
extern PyTypeObject *random_state_type;
PyObject *random_state_key(void); /* borrowed: the array that the state holds now */
bool random_put_state(PyObject *key);
bool add_random_state(PyObject *core);

/* ---- files.c */
PyObject *call_files(const char *function, PyObject *file, const char *format, bool return_metadata);
PyObject *call_save(PyObject *file, tarn_array *array);
PyObject *call_save_named(const char *function, PyObject *file, PyObject *arrays, PyObject *metadata);
PyObject *load_tensors(const char *path, const char *format);
bool save_tensors(const char *path, const char *format, PyObject *names, const array_list *arrays, PyObject *pairs);
bool add_files(PyObject *core);

/* ---- export.c */
PyObject *exporter_of(const char *path, PyObject *function, bool shapeless, const char *metadata);
PyObject *import_from(const char *path, bool with_metadata);
bool add_export(PyObject *core);

/* ---- fields.c: random numbers, linear algebra, Fourier transforms */
tarn_array *multivariate_normal(tarn_array *key, tarn_array *mean, tarn_array *cov, tarn_ints shape, tarn_dtype dtype);
tarn_array *permutation_of(tarn_array *key, PyObject *x, int64_t axis);
tarn_array *norm_of(tarn_array *a, PyObject *order, tarn_ints axes, bool keepdims);
PyObject *svd_of(tarn_array *a, bool with_vectors);
bool is_upper(const char *triangle); /* "L" is not */
typedef tarn_array *fft_function(tarn_array *a, tarn_fft_options options);
typedef tarn_array *fftn_function(tarn_array *a, tarn_fftn_options options);
tarn_array *fft_along(fft_function *f, tarn_array *a, tarn_axis n, int64_t axis, const char *norm);
tarn_array *stft_of(tarn_array *x, int64_t n, tarn_axis hop, tarn_axis win, tarn_array *window, bool center,
                    const char *pad_mode, const char *norm, PyObject *onesided);
tarn_array *istft_of(tarn_array *x, tarn_axis n, tarn_axis hop, tarn_axis win, tarn_array *window, bool center,
                     const char *norm, PyObject *onesided, tarn_axis length);
tarn_array *fft_over(fftn_function *f, tarn_array *a, tarn_ints sizes, tarn_ints axes, const char *norm);

/* ---- shape.c */
/* a.reshape(2, 3) and a.reshape((2, 3)): the arguments as a tuple. */
tarn_array *reshape_to(tarn_array *a, PyObject *shape);
tarn_array *transpose_to(tarn_array *a, PyObject *axes);
tarn_array *flatten_between(tarn_array *a, int64_t first, int64_t last);
tarn_array *unflatten_to(tarn_array *a, int64_t axis, tarn_ints shape);
PyObject *at_least(const array_list *arrays, tarn_array *(*with_axes)(tarn_array *));
PyObject *common_shape(PyObject *shapes);
bool split_at_or_into(tarn_array *a, PyObject *where, int64_t axis, array_list *out);
bool unstack(tarn_array *a, int64_t axis, array_list *out);
tarn_array *joined(array_list *arrays, tarn_axis axis);
tarn_array *roll_by(tarn_array *a, tarn_ints shift, tarn_ints axes);
tarn_array *pad_widths(tarn_array *a, PyObject *widths, const char *mode, tarn_array *value);
tarn_array *strided(tarn_array *a, tarn_ints shape, tarn_ints strides, int64_t offset);
tarn_array *slice_from(tarn_array *a, tarn_array *start, tarn_ints axes, tarn_ints sizes);
tarn_array *slice_update_from(tarn_array *a, tarn_array *update, tarn_array *start, tarn_ints axes);
bool places_of(tarn_array *a, tarn_axis size, int64_t fill, array_list *out);
PyObject *depends_on(PyObject *inputs, PyObject *dependencies);

/* ---- transforms.c */
PyObject *grad_of(PyObject *function, PyObject *argnums, PyObject *argnames);
PyObject *value_and_grad_of(PyObject *function, PyObject *argnums, PyObject *argnames);
PyObject *vmap_of(PyObject *function, PyObject *in_axes, PyObject *out_axes);
PyObject *checkpoint_of(PyObject *function);
PyObject *compile_of(PyObject *function, PyObject *inputs, PyObject *outputs, bool shapeless);
PyObject *vjp_of(PyObject *function, const array_list *primals, const array_list *cotangents);
PyObject *jvp_of(PyObject *function, const array_list *primals, const array_list *tangents);

/* ---- category.c */
bool is_subdtype(PyObject *a, PyObject *b);
bool is_dtype_of_kind(tarn_dtype dtype, PyObject *kind);
bool can_cast(PyObject *from, tarn_dtype to);
tarn_dtype result_dtype(PyObject *list); /* an exception may be set */
bool add_categories(PyObject *core);
/* An enumeration whose members are the names, from 0 up, and these in the module. members: a reference to each */
bool add_enumeration(PyObject *module, const char *name, const char *const *list, PyObject **members, int count);

/* ---- device.c */
PyObject *default_device(void);
bool set_default_device(PyObject *where);
PyObject *default_stream(PyObject *where);
bool set_default_stream(PyObject *stream);
PyObject *new_stream_on(PyObject *where);
PyObject *new_shared_stream_on(PyObject *where); /* any thread may use it, under tarn.mlx too */
PyObject *new_local_stream_on(PyObject *where);
PyObject *stream_context(PyObject *where);
bool synchronize(PyObject *where); /* NULL or None: all streams */
int64_t device_count(PyObject *where);
bool is_available(PyObject *where);

/* ---- memory.c */
int64_t active_memory(void);
int64_t peak_memory(void);
int64_t cache_memory(void);
int64_t memory_limit(void);
int64_t set_memory_limit(int64_t limit);
int64_t set_cache_limit(int64_t limit);
int64_t set_wired_limit(int64_t limit);
int64_t buffer_bytes(PyObject *trees);
PyObject *device_info(PyObject *where);

/* ---- distributed.c */
PyObject *distributed_init(bool strict, const char *backend);
tarn_array *collective(tarn_array *x, PyObject *group);
tarn_array *no_partner(const char *what, PyObject *group); /* fails */
bool add_group(PyObject *core);

/* ---- engine.c */
bool add_engine(PyObject *core);
bool add_curves(PyObject *core); /* curves.c; after add_engine */

/* ---- fast.c */
PyObject *kernel_of(const char *name, PyObject *input_names, PyObject *output_names);
PyObject *no_kernel(const char *function, const char *backend); /* fails */
tarn_array *rope_of(tarn_array *a, int64_t dims, bool traditional, tarn_value base, double scale, tarn_array *offset,
                    tarn_array *freqs);
tarn_array *attention_of(tarn_array *q, tarn_array *k, tarn_array *v, double scale, PyObject *mask, tarn_array *sinks,
                         bool fused);

/* ---- device_kernel.c */
PyObject *cuda_kernel_of(const char *name, PyObject *input_names, PyObject *output_names, const char *source,
                         const char *header, bool contiguous, int64_t shared);
/* lists: inputs, output shapes, output dtypes, scalars, grid, block */
bool compiled_kernel(array_list *out, const char *name, PyObject *code, PyObject *const lists[6], int64_t shared,
                     tarn_value fill, bool contiguous, PyObject *stream);

/* ---- tree.c */
bool eval_trees(PyObject *trees);
bool async_eval_trees(PyObject *trees);

#endif
