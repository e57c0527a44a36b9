/* Arrays: what they are, who owns them, how they are made and read.

   Ownership. Every operation returns an array that belongs to the innermost open scope of the calling thread and is
   released with it. tarn_keep() owns an array beyond scopes, tarn_drop() gives that up. tarn_own() makes the scope's
   hold such a keep. tarn_return() hands an array to the enclosing scope. tarn_hold() has the innermost scope hold an
   array that somebody else may give up meanwhile. tarn_move() gives up the caller's own hold (its keep, and its place
   in an open scope), so that the operation it is passed to may work in the array's memory. Within the expression that
   moves it an array may be named once more, before or after the move, as in tarn_add(tarn_move(a), f(a)): if f
   evaluates and its work was done in the memory of a, that is an error. Do not use the array after that expression.
   Operations never consume their inputs.

   An array is gone when nobody holds it any more; what uses it then is undefined. With TARN_HARD=1 in the environment
   the library fails with "array used after its scope ended" as long as it remembers the array.

   Errors. The first failure is stored for the thread (tarn/error.h) and the call returns NULL; while an error is set
   every operation returns NULL, so expressions nest and one check at the end is enough.

   Laziness. Operations only record what is to be done. tarn_eval() computes; reading a value evaluates first. Arrays
   never change: an operation that "updates" returns a new array, in the old one's memory when nobody else can see it.

   Threads. Any array and any stream may be used from any thread. Scopes and errors belong to a thread. */
#ifndef TARN_ARRAY_H
#define TARN_ARRAY_H

#include "tarn/error.h"
#include "tarn/options.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tarn_array tarn_array;
typedef struct tarn_stream tarn_stream;

typedef enum {
    TARN_BOOL,
    TARN_UINT8,
    TARN_UINT16,
    TARN_UINT32,
    TARN_UINT64,
    TARN_INT8,
    TARN_INT16,
    TARN_INT32,
    TARN_INT64,
    TARN_FLOAT16,
    TARN_BFLOAT16,
    TARN_FLOAT32,
    TARN_FLOAT64,
    TARN_COMPLEX64,
    TARN_DTYPE_COUNT
} tarn_dtype;

/* The most axes an array has. */
enum { TARN_MAX_NDIM = 12 };

/* ---- scopes and holds */

/* Opens a scope that closes at the end of the block, also by break, continue and return. */
#define TARN_SCOPE            TARN_SCOPE_NAMED(__COUNTER__)
#define TARN_SCOPE_NAMED(n)   TARN_SCOPE_DECLARE(n)
#define TARN_SCOPE_DECLARE(n) __attribute__((cleanup(tarn_scope_end), unused)) int tarn_scope_##n = tarn_scope_begin()
TARN_API int tarn_scope_begin(void);
TARN_API void tarn_scope_end(const int *scope);

TARN_API tarn_array *tarn_keep(tarn_array *a); /* returns a */
TARN_API void tarn_drop(tarn_array *a);        /* NULL is allowed; of an array that is not kept: an error */
TARN_API tarn_array *
tarn_own(tarn_array *a); /* returns a, kept; the innermost hold that an open scope has on it is gone */
TARN_API tarn_array *
tarn_hold(tarn_array *a); /* returns a, which the innermost scope holds, too; NULL without memory */
TARN_API tarn_array *tarn_move(tarn_array *a); /* returns a; NULL without memory */
TARN_API tarn_array *
tarn_return(tarn_array *a); /* returns a, which now belongs to the scope around the innermost one */

/* a without its history: a new array over the same values (evaluated now), through which no gradient passes. */
TARN_API tarn_array *tarn_detach(tarn_array *a);

/* ---- making arrays from memory. The bytes are copied: dense, row-major. */
TARN_API tarn_array *tarn_from_data(const void *data, tarn_ints shape, tarn_dtype dtype);
/* Over memory of the caller, which stays as it is until `release(context)` is called; it is not written. It is host
   memory, or with `stream` the memory of that stream's device: what CUDA's default stream was given is waited for.
   `check(context)` is asked before each evaluation that reads the array and fails by setting an error (a mapped file
   that changed); it must not wait for what that evaluation computes. If no array can be made, `release` is not called;
   when it is called otherwise, tarn_drain_released() in memory.h says. */
typedef struct {
    int begin_;
    bool (*check)(void *context);
    void (*release)(void *context);
    void *context;
    tarn_stream *stream;
    int end_;
} tarn_foreign_options;
#define tarn_from_foreign(...) TARN_CALL(3, tarn_from_foreign_with, tarn_foreign_options, __VA_ARGS__)
TARN_API tarn_array *tarn_from_foreign_with(const void *data, tarn_ints shape, tarn_dtype dtype,
                                            tarn_foreign_options options TARN_ABSENT);
TARN_API tarn_array *tarn_scalar(double value, tarn_dtype dtype); /* 0-d */
TARN_API tarn_array *tarn_scalar_int(int64_t value, tarn_dtype dtype);
TARN_API tarn_array *tarn_scalar_complex(double real, double imag);
TARN_API tarn_array *tarn_full(tarn_ints shape, double value, tarn_dtype dtype);
TARN_API tarn_array *tarn_zeros(tarn_ints shape, tarn_dtype dtype);
TARN_API tarn_array *tarn_ones(tarn_ints shape, tarn_dtype dtype);

/* ---- facts; of NULL: 0, TARN_FLOAT32, no shape */
TARN_API tarn_dtype tarn_dtype_of(const tarn_array *a);
TARN_API int tarn_ndim(const tarn_array *a);
TARN_API int64_t tarn_dim(const tarn_array *a,
                          int axis); /* negative axes count from the end; 0 for an axis that a does not have */
TARN_API tarn_ints tarn_shape_of(const tarn_array *a);  /* lives as long as a */
TARN_API int64_t tarn_size(const tarn_array *a);        /* number of elements */
TARN_API const char *tarn_dtype_name(tarn_dtype dtype); /* "float32" */
TARN_API bool tarn_dtype_from_name(const char *name,
                                   tarn_dtype *dtype); /* false, without an error, for a name that there is not */
TARN_API int64_t tarn_dtype_bytes(tarn_dtype dtype);

/* ---- evaluation */

/* Computes these arrays and waits. False, with the error set, if any of them failed; the others are good. */
TARN_API bool tarn_eval_all(tarn_array *const *arrays, int count);
/* Starts computing and returns. An error of the computation surfaces where the arrays are read. */
TARN_API bool tarn_async_eval_all(tarn_array *const *arrays, int count);
#ifdef __cplusplus
inline tarn_array *const *tarn_arrays_of(std::initializer_list<tarn_array *> list) {
    return list.begin(); /* lives to the end of the whole expression */
}
#define TARN_ARRAYS(...) tarn_arrays_of({__VA_ARGS__})
#define TARN_COUNT(...)  ((int)std::initializer_list<tarn_array *>{__VA_ARGS__}.size())
#else
#define TARN_ARRAYS(...) ((tarn_array *[]){__VA_ARGS__})
#define TARN_COUNT(...)  ((int)(sizeof(TARN_ARRAYS(__VA_ARGS__)) / sizeof(tarn_array *)))
#endif
#define tarn_eval(...)       tarn_eval_all(TARN_ARRAYS(__VA_ARGS__), TARN_COUNT(__VA_ARGS__))
#define tarn_async_eval(...) tarn_async_eval_all(TARN_ARRAYS(__VA_ARGS__), TARN_COUNT(__VA_ARGS__))

/* Has the values of an array, if it has any yet, follow to the stream's device (NULL: of the current stream), where
   what reads them finds them, and returns. Nothing is computed, and the values stay where they are, too. */
TARN_API bool tarn_prefetch(tarn_array *a, tarn_stream *stream);

/* Evaluates and copies the values, dense row-major, in the array's dtype. bytes must be at least size * dtype bytes. */
TARN_API bool tarn_read(tarn_array *a, void *out, size_t bytes);
/* Evaluates and gives the values in host memory, dense row-major; they live as long as the array. NULL on failure. */
TARN_API const void *tarn_data(tarn_array *a);
/* Whether a has a value, or one is being computed: evaluating it starts nothing. */
TARN_API bool tarn_is_computed(const tarn_array *a);

/* Where the elements are: [i, j, ...] at data[i * strides[0] + j * strides[1] + ...], counted in elements of the dtype;
   strides may be 0 or negative. In mapped memory data may be aligned for less than the dtype. */
typedef struct {
    const void *data; /* the element whose indices are all 0: in host memory, or the device's */
    int64_t offset;   /* of that element in the memory that the array shares with its views, in elements */
    int64_t strides[TARN_MAX_NDIM];
} tarn_layout;
/* Evaluates a, waits, and holds its memory as it lies: until tarn_unpin it is not written, given to another array,
   moved or freed, whatever becomes of a. stream: layout.data is an address of its device, where the values are copied
   if they are not there (absent: of the host); they are complete, other streams need not wait. NULL on failure. Not to
   be written by the caller either. Any thread may unpin; NULL is allowed. */
typedef struct tarn_pinned tarn_pinned;
typedef struct {
    int begin_;
    tarn_stream *stream;
    int end_;
} tarn_pin_options;
#define tarn_pin(...) TARN_CALL(2, tarn_pin_with, tarn_pin_options, __VA_ARGS__)
TARN_API tarn_pinned *tarn_pin_with(tarn_array *a, tarn_layout *layout, tarn_pin_options options TARN_ABSENT);
TARN_API void tarn_unpin(tarn_pinned *pin);

/* The value of an array of one element; 0 on failure. tarn_item rounds integers beyond 2^53 as a double does; whatever
   else the result cannot hold is an error: a complex number whose imaginary part is not 0, a float that is no integer,
   an integer out of range. */
TARN_API double tarn_item(tarn_array *a);
TARN_API int64_t tarn_item_int(tarn_array *a);
TARN_API uint64_t tarn_item_uint(tarn_array *a);
TARN_API bool tarn_item_complex(tarn_array *a, double *real,
                                double *imaginary); /* of real dtypes the imaginary part is 0 */

/* ---- what arrays keep alive, for languages whose collector looks for cycles */

/* Calls `visit` for each context (of tarn_custom_new, tarn_checkpoint, tarn_from_foreign) that would be released if the
   caller gave up one hold on a: each reference to it comes from arrays that only a keeps alive. `release` is the
   function that was given with it, by which the caller knows his own. Ends at the first answer other than 0, and
   returns it. It takes no memory and sets no error; `visit` must not call Tarn. While some thread is in another
   function of Tarn references come and go: a collector that asks twice and relies on the same answer asks only when
   none is. Work that was started and goes on makes no difference. */
typedef int (*tarn_context_visitor)(void *context, void (*release)(void *context), void *argument);
TARN_API int tarn_visit_contexts(tarn_array *a, tarn_context_visitor visit, void *argument);

/* ---- looking at graphs (for people): released with tarn_free. */
TARN_API char *tarn_dump_text(tarn_array *const *arrays, int count); /* one line a node */
/* As a picture for Graphviz (dot -Tsvg): a box for each operation, round ones for arrays that are there already. Those
   of `named` are called by names[i] (UTF-8). */
typedef struct {
    int begin_;
    tarn_array *const *named; /* [named_count] */
    const char *const *names; /* [named_count] */
    int named_count;
    int end_;
} tarn_dot_options;
#define tarn_dump_dot(...) TARN_CALL(2, tarn_dump_dot_with, tarn_dot_options, __VA_ARGS__)
TARN_API char *tarn_dump_dot_with(tarn_array *const *arrays, int count, tarn_dot_options options TARN_ABSENT);
/* What evaluating the arrays now would do: one line a step (kernels, copies, reuse), after lowering and fusion. */
TARN_API char *tarn_dump_schedule(tarn_array *const *arrays, int count);

#ifdef __cplusplus
}
#endif
#endif
