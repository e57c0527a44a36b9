/* Lines of the cache on their way to memory past the caches, where the machine can. */
#ifndef CPU_PAST_H
#define CPU_PAST_H

#include <string.h>

enum { PAST_LINE = 64 };

/* `to` is a multiple of PAST_LINE. What follows `past_fence` in any thread sees the line. */
#ifdef __SSE2__
#include <emmintrin.h>
static inline void past_line(char *to, const char *from) {
    for (int i = 0; i < PAST_LINE; i += 16)
        _mm_stream_si128((__m128i *)(void *)(to + i), _mm_loadu_si128((const __m128i *)(const void *)(from + i)));
}
static inline void past_fence(void) {
    _mm_sfence();
}
#else
static inline void past_line(char *to, const char *from) {
    memcpy(to, from, PAST_LINE);
}
static inline void past_fence(void) {}
#endif

#endif
