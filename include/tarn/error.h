/* Errors. Every failure in Tarn is a message kept for the calling thread; the library never aborts, exits or prints. */
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

/* The first error since the last tarn_clear_error() in this thread, or NULL. The text lives until the error is cleared. */
TARN_API const char *tarn_error(void);

/* Forgets this thread's error; operations work again. */
TARN_API void tarn_clear_error(void);

/* Sets this thread's error unless one is set already, and returns false. For callbacks and for code above the library. */
TARN_API bool tarn_fail(const char *format, ...) TARN_PRINTF(1, 2);

/* Releases a block (text, ids, a list) that the library handed out for keeps; NULL is fine. */
TARN_API void tarn_free(void *block);

#ifdef __cplusplus
}
#endif
#endif
