/* Devices and streams. Every device works in the same pool of arrays: an array may be used on any device without a copy
   call.

   A stream is a queue of work on a device. Operations go to the calling thread's current stream, which is the default
   stream of the default device unless tarn_use_stream() or TARN_ON() says otherwise. Streams may be used from any
   thread.

   fork() waits for the work of all streams. The child computes on the CPU, with the arrays and streams of its parent;
   another device that its parent had in use, and arrays that have values only there, are errors in it. */
#ifndef TARN_DEVICE_H
#define TARN_DEVICE_H

#include "tarn/array.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { TARN_CPU, TARN_MOCK, TARN_CUDA, TARN_DEVICE_TYPE_COUNT } tarn_device_type;
typedef struct {
    tarn_device_type type;
    int index;
} tarn_device;

TARN_API int tarn_device_count(tarn_device_type type); /* 0 if there is none, or its shared object cannot be loaded */
TARN_API const char *tarn_device_type_name(tarn_device_type type);
/* Why there is no such device, for messages: "" where no more is known. NULL: there is one. */
TARN_API const char *tarn_device_absence(tarn_device device);
/* The default for threads that have not chosen: the CPU unless changed. */
TARN_API bool tarn_set_default_device(tarn_device device);
TARN_API tarn_device tarn_default_device(void);

TARN_API tarn_stream *tarn_default_stream(tarn_device device);
TARN_API tarn_stream *tarn_stream_new(tarn_device device);
TARN_API void tarn_stream_free(tarn_stream *stream); /* waits for its work; not for default streams */
TARN_API tarn_device tarn_stream_device(const tarn_stream *stream);
/* A device that has the values of an array, the host if it does; of one without values, where they will be computed. */
TARN_API tarn_device tarn_resident_device(const tarn_array *a);
/* Waits for all work so far; NULL: of every stream. False, with the error set, if an asynchronous computation failed
 * there and nobody has been told: the arrays that it was to fill tell it, too. */
TARN_API bool tarn_synchronize(tarn_stream *stream);

/* Makes `stream` the thread's current one (NULL: the default) and returns the one before. */
TARN_API tarn_stream *tarn_use_stream(tarn_stream *stream);
/* Operations to the end of the block go to `stream`. */
#define TARN_ON(stream)          TARN_ON_NAMED(stream, __COUNTER__)
#define TARN_ON_NAMED(stream, n) TARN_ON_DECLARE(stream, n)
#define TARN_ON_DECLARE(stream, n)                                                                                     \
    __attribute__((cleanup(tarn_restore_stream), unused)) tarn_stream *tarn_previous_stream_##n =                      \
        tarn_use_stream(stream)
TARN_API void tarn_restore_stream(tarn_stream *const *previous);

/* Asks that evaluations which are running be given up: between two kernels they end with an error. May be called from a
   signal handler and from any thread; it holds for the whole process until tarn_clear_interrupt(). */
TARN_API void tarn_interrupt(void);
/* The same once so many seconds are over, unless it is taken back before: what is nearly done is finished. Where it was
   asked for already, the earlier time holds. */
TARN_API void tarn_interrupt_after(double seconds);
TARN_API bool tarn_interrupted(void);
TARN_API void tarn_clear_interrupt(void);

/* On a device other than the CPU, an op with neither kernel nor formula is an error unless this is allowed: then it
 * runs on the CPU and is counted. */
TARN_API void tarn_allow_fallback(bool allowed);
TARN_API int64_t tarn_fallback_count(void);
/* The op names that fell back so far, one a line (tarn_free). */
TARN_API char *tarn_fallback_list(void);

/* How many threads compute at the same time on the CPU, at most 1024, from now on; 0: as many as the process may use.
   Results do not depend on it. */
TARN_API bool tarn_set_threads(int count);

/* What `tarn doctor` prints of a device: measured now; takes seconds. 0: not measured on such a device. */
typedef struct {
    const char *processor;               /* its name, a static string */
    char isa_found[128], isa_used[128];  /* names of instruction sets with spaces between them; of a GPU sm_90 */
    int threads;                         /* of a GPU: multiprocessors */
    double read_gbps_one, read_gbps_all; /* GB/s from memory with one thread, with all; 0: too little memory to tell */
    double copy_gbps, upload_gbps;       /* of a GPU: within its memory, read and written; to it from the host's */
    double f32_tflops, bf16_tflops;      /* all threads; bf16 0 if there are no instructions for it */
    double load_average;                 /* of the machine, over the last minute */
    int64_t memory_bytes;                /* of a GPU */
} tarn_measurement;
TARN_API bool tarn_measure(tarn_measurement *result); /* the CPU */
TARN_API bool tarn_measure_device(tarn_device device, tarn_measurement *result);
/* The same without what has to be measured, which is 0: nothing is begun on the device. */
TARN_API bool tarn_describe_device(tarn_device device, tarn_measurement *result);
/* The kernel rows in use on a device, one a line (tarn_free). */
TARN_API char *tarn_kernel_list(tarn_device device);
/* What serves each op and dtype on devices of a type, a line an op after one that names the dtypes (tarn_free): k a
   kernel, f a formula in other ops, - nothing, with the reason behind it. Elementwise ops, casts and views, which need
   no kernel of their own, are left out. The device need not be there, but its shared object must. */
TARN_API char *tarn_kernel_matrix(tarn_device_type type);

#ifdef __cplusplus
}
#endif
#endif
