/* Stop strings over a growing text. Texts and stop strings are whole UTF-8, so that every cut falls between characters.
 */
#include "lm/stopper.h"

#include <string.h>

#include "tarn/error.h"

bool stopper_check(const char *const *stops, int count) {
    if (count < 0) return tarn_fail("%d stop strings", count);
    for (int i = 0; i < count; i++) {
        size_t length = stops && stops[i] ? strlen(stops[i]) : 0;
        if (!length) return tarn_fail("stop string %d is empty", i + 1);
        if (!utf8_valid(stops[i], length)) return tarn_fail("stop string %d is not valid UTF-8", i + 1);
    }
    return true;
}

/* Where the first stop string begins that ends after byte `from`, or the length of the text. */
static size_t find_stop(const stopper *s, size_t from) {
    size_t first = s->all.length;
    for (int i = 0; i < s->count; i++) {
        size_t length = strlen(s->stops[i]), begin = from + 1 > length ? from + 1 - length : 0;
        if (s->all.length < begin + length) continue;
        const char *found = memmem(s->all.bytes + begin, s->all.length - begin, s->stops[i], length);
        if (found && (size_t)(found - s->all.bytes) < first) first = (size_t)(found - s->all.bytes);
    }
    return first;
}

bool stopper_push(stopper *s, const char *piece, size_t length) {
    size_t before = s->all.length;
    if (s->stopped || !length) return true;
    if (!text_append(&s->all, piece, length)) return false;
    size_t stop = find_stop(s, before);
    if (stop == s->all.length) return true;
    s->stopped = true;
    s->all.length = stop;
    s->all.bytes[stop] = 0;
    return true;
}

/* The longest end of the text that is the beginning of this stop string. */
static size_t overlap(const stopper *s, const char *stop) {
    size_t most = strlen(stop) - 1;
    if (most > s->all.length) most = s->all.length;
    for (size_t n = most; n > 0; n--)
        if (!memcmp(s->all.bytes + s->all.length - n, stop, n)) return n;
    return 0;
}

size_t stopper_certain(const stopper *s, bool finished) {
    size_t held = 0;
    for (int i = 0; i < s->count && !finished && !s->stopped; i++) {
        size_t n = overlap(s, s->stops[i]);
        if (n > held) held = n;
    }
    return s->all.length - held;
}

void stopper_free(stopper *s) {
    text_free(&s->all);
}
