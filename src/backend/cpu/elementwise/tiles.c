/* Which sources lie transposed, and the tiles in which they are turned before blocks read them. */
#include <stdlib.h>

#include "cpu/elementwise/plan.h"
#include "cpu/sizes.h"

enum {
    TURNED_BYTES = 64 << 10, /* of a thread's stack, for the tiles of all sources: the second-level cache holds them */
    MOST_BYTES = 8,          /* of an element of all sources that are turned, but the last of them */
    LEAST_TURNED = 1 << 12,  /* elements for which turning pays */
    LEAST_COLUMNS = 64,      /* where rows of a tile do not follow each other in the result */
    LEAST_ROWS = 8,
    MOST_COLUMNS = 512,
    ROWS = 16 /* of which a tile has a multiple: whole lines of elements of 4 bytes */
};

/* The axis along which elements lie closest. */
static int closest_axis(const source *s) {
    int best = s->ndim - 1;
    for (int i = 0; i + 1 < s->ndim; i++)
        if (s->strides[i] != 0 && llabs(s->strides[i]) < llabs(s->strides[best])) best = i;
    return best;
}

/* Whether each element of a row of the result is read from a line of the cache of its own, of which the next rows read
   the others. */
static bool is_transposed(const source *s) {
    int last = s->ndim - 1, along = closest_axis(s);
    return along != last && llabs(s->strides[last]) * s->bytes >= CACHE_LINE && s->shape[along] >= LEAST_ROWS &&
           (along + 1 == last || s->shape[last] >= LEAST_COLUMNS);
}

static bool fits_tiles(const elementwise_tiles *t, const source *s) {
    if (t->ndim != s->ndim || t->along != closest_axis(s)) return false;
    for (int i = 0; i < t->ndim; i++)
        if (t->shape[i] != s->shape[i]) return false;
    return true;
}

static void take_shape(elementwise_tiles *t, const source *s) {
    t->ndim = s->ndim, t->along = closest_axis(s);
    int64_t pitch = 1;
    for (int i = s->ndim - 1; i >= 0; pitch *= s->shape[i--]) t->shape[i] = s->shape[i], t->steps[i] = pitch;
}

/* `bytes` of an element of every turned source together. */
static void cut(elementwise_tiles *t, int64_t bytes) {
    int last = t->ndim - 1;
    int64_t room = TURNED_BYTES / bytes / ROWS & -ELEMENTWISE_STEP; /* the last source may be wide */
    t->columns = smaller(t->shape[last], smaller(room, MOST_COLUMNS));
    t->joined = t->along + 1 == last && t->columns == t->shape[last];
    t->rows = smaller(TURNED_BYTES / bytes / t->columns / ROWS * ROWS, t->shape[t->along]);
    t->down = divide_up(t->shape[t->along], t->rows);
    t->across = divide_up(t->shape[last], t->columns);
    t->count = t->down * t->across;
    for (int i = 0; i < last; i++)
        if (i != t->along) t->count *= t->shape[i];
}

void elementwise_plan_tiles(elementwise_plan *p) {
    elementwise_tiles *t = &p->tiles;
    int64_t bytes = 0;
    t->ndim = 0, t->count = 0, p->turned_bytes = 0;
    for (int i = 0; i < p->source_count && p->size >= LEAST_TURNED && bytes < MOST_BYTES; i++) {
        source *s = &p->sources[i];
        if (!is_transposed(s) || (t->ndim > 0 && !fits_tiles(t, s))) continue;
        if (t->ndim == 0) take_shape(t, s);
        s->turned = true;
        bytes += s->bytes;
    }
    if (bytes == 0) return;
    cut(t, bytes);
    for (int i = 0; i < p->source_count; i++) {
        source *s = &p->sources[i];
        if (!s->turned) continue;
        s->tile = p->turned_bytes;
        p->turned_bytes += round_up(t->rows * t->columns * s->bytes, CACHE_LINE);
    }
}
