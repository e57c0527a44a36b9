/* partition and sort_small of quicksort.tpl.h, on vectors. The file that includes this defines NAME, KEY and PAIRS as
   there, SMALL as 8 vectors, and

     VECTOR, WIDTH              some keys, with their places, and how many
     NAME(load)(keys, places), NAME(load_some)(keys, places, count): the others are the largest key
     NAME(store)(keys, places, v), NAME(store_some)(keys, places, v, count)
     NAME(below)(v, pivot)      a bit for each lane below that lane of pivot
     NAME(splat)(key, place)
     NAME(pack)(v, bits)        the lanes whose bits are set, first; with PACKS_ALL the others follow
     NAME(turn)(v, d)           lane i is lane i ^ d of v
     NAME(order_lanes)(a, b, bits)   the larger of two lanes where the bit is set, else the smaller
     NAME(order)(a, b)          *a becomes the smaller ones, *b the larger ones */

enum { NAME(BLOCK) = 4 * WIDTH, NAME(LANES_ALL) = (1 << WIDTH) - 1 };

/* ---- partition, in place: a block from both ends is set aside, so that there is always room for what a block from the
   middle becomes, if it is taken from the side with less room (Bramas, 2017) */

typedef struct {
    KEY *keys;
    uint32_t *places;
    int64_t low, high; /* written: [0, low) and [high, n) */
} NAME(sides);

/* Lanes beyond count are no elements. */
static inline void NAME(put_some)(NAME(sides) * s, VECTOR v, VECTOR pivot, int64_t count) {
    unsigned valid = (1U << count) - 1, low = NAME(below)(v, pivot) & valid, high = ~low & valid;
    int lows = __builtin_popcount(low), highs = __builtin_popcount(high);
    NAME(store_some)(s->keys + s->low, s->places + s->low, NAME(pack)(v, low), lows);
    s->low += lows;
    s->high -= highs;
    NAME(store_some)(s->keys + s->high, s->places + s->high, NAME(pack)(v, high), highs);
}

/* The same of whole vectors where there is room for one on both sides. */
static inline void NAME(put)(NAME(sides) * s, VECTOR v, unsigned low) {
    unsigned high = ~low & NAME(LANES_ALL);
    int lows = __builtin_popcount(low);
    VECTOR packed = NAME(pack)(v, low);
    NAME(store)(s->keys + s->low, s->places + s->low, packed);
#if PACKS_ALL
    (void)high;
    NAME(store)(s->keys + s->high - WIDTH, s->places + s->high - WIDTH, packed);
#else
    NAME(store_some)
    (s->keys + s->high - (WIDTH - lows), s->places + s->high - (WIDTH - lows), NAME(pack)(v, high), WIDTH - lows);
#endif
    s->low += lows;
    s->high -= WIDTH - lows;
}

static void NAME(put_all)(NAME(sides) * s, const KEY *keys, const uint32_t *places, int64_t n, VECTOR pivot) {
    for (int64_t i = 0; i < n; i += WIDTH) {
        int64_t count = n - i < WIDTH ? n - i : WIDTH;
        NAME(put_some)(s, NAME(load_some)(keys + i, places + i, count), pivot, count);
    }
}

static int64_t NAME(partition)(KEY *keys, uint32_t *places, int64_t n, KEY key, uint32_t place) {
    KEY aside[3 * NAME(BLOCK)];
    uint32_t aside_places[3 * NAME(BLOCK)] = {0};
    VECTOR pivot = NAME(splat)(key, place);
    NAME(sides) s = {keys, places, 0, n};
    int64_t from = NAME(BLOCK), to = n - NAME(BLOCK), kept = 2 * NAME(BLOCK),
            bytes = NAME(BLOCK) * (int64_t)sizeof(KEY);
    memcpy(aside, keys, (size_t)bytes);
    memcpy(aside + NAME(BLOCK), keys + to, (size_t)bytes);
    if (PAIRS) memcpy(aside_places, places, NAME(BLOCK) * sizeof *places);
    if (PAIRS) memcpy(aside_places + NAME(BLOCK), places + to, NAME(BLOCK) * sizeof *places);
    while (to - from >= NAME(BLOCK)) {
        int64_t at = from;
        if (from - s.low <= s.high - to)
            from += NAME(BLOCK);
        else
            at = to -= NAME(BLOCK);
        VECTOR v[4];
        unsigned low[4];
        for (int i = 0; i < 4; i++) v[i] = NAME(load)(keys + at + i * WIDTH, places + at + i * WIDTH);
        for (int i = 0; i < 4; i++) low[i] = NAME(below)(v[i], pivot);
        for (int i = 0; i < 4; i++) NAME(put)(&s, v[i], low[i]);
    }
    memcpy(aside + kept, keys + from, (size_t)(to - from) * sizeof *keys);
    if (PAIRS) memcpy(aside_places + kept, places + from, (size_t)(to - from) * sizeof *places);
    NAME(put_all)(&s, aside, aside_places, kept + to - from, pivot);
    return s.low;
}

/* ---- a few vectors: Batcher's bitonic network (1968), in the form whose exchanges all go upwards */

/* Lane i with lane i ^ d, whose highest bit is `top`: the lanes that have it get the larger ones. */
static inline __attribute__((always_inline)) VECTOR NAME(exchange)(VECTOR v, int d, int top) {
    return NAME(order_lanes)(v, NAME(turn)(v, d), top == 1 ? 0xAAAA : top == 2 ? 0xCCCC : top == 4 ? 0xF0F0 : 0xFF00);
}

/* Lanes of a bitonic row. Constants, not loops: lanes and bits are to be known to the compiler. */
static inline __attribute__((always_inline)) VECTOR NAME(clean)(VECTOR v) {
    if (WIDTH == 16) v = NAME(exchange)(v, 8, 8);
    if (WIDTH >= 8) v = NAME(exchange)(v, 4, 4);
    v = NAME(exchange)(v, 2, 2);
    return NAME(exchange)(v, 1, 1);
}

static inline __attribute__((always_inline)) VECTOR NAME(sort_lanes)(VECTOR v) {
    v = NAME(exchange)(v, 1, 1);
    v = NAME(exchange)(v, 3, 2);
    v = NAME(exchange)(v, 1, 1);
    if (WIDTH == 4) return v;
    v = NAME(exchange)(v, 7, 4);
    v = NAME(exchange)(v, 2, 2);
    v = NAME(exchange)(v, 1, 1);
    if (WIDTH == 8) return v;
    v = NAME(exchange)(v, 15, 8);
    v = NAME(exchange)(v, 4, 4);
    v = NAME(exchange)(v, 2, 2);
    return NAME(exchange)(v, 1, 1);
}

/* 2 * half vectors, each half of them in order: the second is turned around, and both become one bitonic row. */
static inline __attribute__((always_inline)) void NAME(merge)(VECTOR *v, int half) {
    VECTOR turned[4];
#pragma GCC unroll 4
    for (int i = 0; i < half; i++) turned[i] = NAME(turn)(v[2 * half - 1 - i], WIDTH - 1);
#pragma GCC unroll 4
    for (int i = 0; i < half; i++) v[half + i] = turned[i];
#pragma GCC unroll 3
    for (int step = half; step > 0; step /= 2)
#pragma GCC unroll 8
        for (int i = 0; i < 2 * half; i++)
            if (!(i & step)) NAME(order)(&v[i], &v[i + step]);
#pragma GCC unroll 8
    for (int i = 0; i < 2 * half; i++) v[i] = NAME(clean)(v[i]);
}

static inline __attribute__((always_inline)) void NAME(sort_vectors)(KEY *keys, uint32_t *places, int64_t n,
                                                                     int count) {
    VECTOR v[8];
#pragma GCC unroll 8
    for (int i = 0; i < count; i++) {
        int64_t left = n - i * WIDTH, some = left < 0 ? 0 : left < WIDTH ? left : WIDTH;
        v[i] = NAME(sort_lanes)(NAME(load_some)(keys + i * WIDTH, places + i * WIDTH, some));
    }
#pragma GCC unroll 4
    for (int i = 0; i + 1 < count; i += 2) NAME(merge)(v + i, 1);
#pragma GCC unroll 2
    for (int i = 0; i + 3 < count; i += 4) NAME(merge)(v + i, 2);
    if (count == 8) NAME(merge)(v, 4);
#pragma GCC unroll 8
    for (int i = 0; i < count; i++) {
        int64_t left = n - i * WIDTH, some = left < 0 ? 0 : left < WIDTH ? left : WIDTH;
        NAME(store_some)(keys + i * WIDTH, places + i * WIDTH, v[i], some);
    }
}

static void NAME(sort_small)(KEY *keys, uint32_t *places, int64_t n) {
    if (n <= WIDTH)
        NAME(sort_vectors)(keys, places, n, 1);
    else if (n <= 2 * WIDTH)
        NAME(sort_vectors)(keys, places, n, 2);
    else if (n <= 4 * WIDTH)
        NAME(sort_vectors)(keys, places, n, 4);
    else
        NAME(sort_vectors)(keys, places, n, 8);
}

#undef VECTOR
#undef WIDTH
