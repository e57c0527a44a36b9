/* Errors. Every failure in Tarn is a kind and a message kept for the calling thread; the library never aborts, exits or
 * prints. */
#ifndef TARN_ERROR_H
#define TARN_ERROR_H

#include <stdbool.h>

#if defined(__GNUC__)
#define TARN_API                   __attribute__((visibility("default")))
#define TARN_PRINTF(string, first) __attribute__((format(printf, string, first)))
#else
#define TARN_API
#define TARN_PRINTF(format, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* True while no error is set in this thread. */
TARN_API bool tarn_ok(void);

/* The first error since the last tarn_clear_error() in this thread, or NULL. The text lives until the error is cleared.
 */
TARN_API const char *tarn_error(void);

/* What kind of failure that error is: which exception a binding raises. Where a computation failed that nobody waited
   for, who reads its result gets the kind with the message. */
typedef enum {
    TARN_ERROR_NONE,      /* no error is set */
    TARN_ERROR_VALUE,     /* an argument that cannot be: all that is none of the following */
    TARN_ERROR_TYPE,      /* a dtype that does not fit */
    TARN_ERROR_INDEX,     /* an axis, or the number of an item, that is not there */
    TARN_ERROR_MEMORY,    /* the host or a device has no memory left, or a limit forbids it */
    TARN_ERROR_RUNTIME,   /* a device, or a kernel, failed or is not there */
    TARN_ERROR_IO,        /* a file that is missing, cannot be read or written, or does not hold what it should */
    TARN_ERROR_INTERRUPT, /* tarn_interrupt() was called, or an option's flag was set */
} tarn_error_class;
TARN_API tarn_error_class tarn_error_kind(void);

/* Forgets this thread's error; operations work again. */
TARN_API void tarn_clear_error(void);

/* Sets this thread's error, of the kind TARN_ERROR_VALUE, unless one is set already, and returns false. For callbacks
   and for code above the library. */
TARN_API bool tarn_fail(const char *format, ...) TARN_PRINTF(1, 2);
/* The same with a kind; one that is none of the list is TARN_ERROR_VALUE. */
TARN_API bool tarn_fail_kind(tarn_error_class kind, const char *format, ...) TARN_PRINTF(2, 3);

/* Releases a block (text, ids, a list) that the library handed out for keeps; NULL is fine. */
TARN_API void tarn_free(void *block);

#ifdef __cplusplus
}
#endif
#endif
