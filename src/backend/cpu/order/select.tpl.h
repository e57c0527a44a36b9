/* Selection by keys (keys.h), a piece at a time, without a branch on an element. */
enum { SELECTED = 256 };

/* ---- keys between two others */
static int64_t collect_narrow(uint64_t *to, const uint32_t *keys, int64_t count, uint32_t place, uint32_t low,
                              uint32_t high, int64_t *below) {
    int64_t found = 0;
    uint32_t lower = 0;
    for (int64_t i = 0; i < count; i++) lower += keys[i] < low;
    for (int64_t i = 0; i < count; i++) {
        to[found] = (uint64_t)keys[i] << 32 | (place + (uint32_t)i);
        found += keys[i] - low <= high - low;
    }
    *below += lower;
    return found;
}

static int64_t collect_wide(uint64_t *to, uint32_t *places, const uint64_t *keys, int64_t count, uint32_t place,
                            uint64_t low, uint64_t high, int64_t *below) {
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        to[found] = keys[i];
        places[found] = place + (uint32_t)i;
        found += keys[i] - low <= high - low;
        *below += keys[i] < low;
    }
    return found;
}

static int64_t collect(uint64_t *to, uint32_t *places, const char *from, int64_t step, int64_t count, uint32_t place,
                       uint64_t low, uint64_t high, int64_t *below, tarn_dtype dtype) {
    uint64_t keys[SELECTED];
    int64_t found = 0;
    for (int64_t at = 0; at < count; at += SELECTED, place += SELECTED) {
        int64_t some = count - at < SELECTED ? count - at : SELECTED;
        keys_of(keys, from + at * step, step, some, dtype);
        if (order_key_bytes(dtype) == 4)
            found += collect_narrow(to + found, (const uint32_t *)(const void *)keys, some, place, (uint32_t)low,
                                    (uint32_t)high, below);
        else
            found += collect_wide(to + found, places + found, keys, some, place, low, high, below);
    }
    return found;
}

/* ---- what lies on either side of two bounds: PART(name, KEY, ITEM) for items of so many bytes. All of the piece is
   before the first bound's place, or none of it; and behind the last one's. */
#define PART(name, KEY, ITEM)                                                                                          \
    static void part_##name(order_sides *s, const KEY *keys, const char *items, int64_t step, int64_t count,           \
                            uint32_t place) {                                                                          \
        ITEM below[SELECTED], above[SELECTED];                                                                         \
        const bool before = place<s->first.place, behind = place> s->last.place;                                       \
        const int64_t some = before || s->first.key > 0, all = behind && s->last.key == 0;                             \
        const KEY low = (KEY)(s->first.key - !before), high = (KEY)(s->last.key - behind);                             \
        int64_t lows = 0, highs = 0;                                                                                   \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            ITEM item;                                                                                                 \
            memcpy(&item, items + i * step, sizeof item);                                                              \
            below[lows] = item;                                                                                        \
            above[highs] = item;                                                                                       \
            lows += (keys[i] <= low) & some;                                                                           \
            highs += (keys[i] > high) | all;                                                                           \
        }                                                                                                              \
        s->below = put_items_##name(s->below, s->bytes, below, lows);                                                  \
        s->above = put_items_##name(s->above, s->bytes, above, highs);                                                 \
    }
/* Returns where the next one goes. */
#define PUT_ITEMS(name, ITEM)                                                                                          \
    static char *put_items_##name(char *to, int64_t bytes, const ITEM *items, int64_t count) {                         \
        if (bytes == sizeof(ITEM) && count > 0) memcpy(to, items, (size_t)(count * bytes));                            \
        for (int64_t i = 0; bytes != sizeof(ITEM) && i < count; i++) memcpy(to + i * bytes, &items[i], sizeof(ITEM));  \
        return to + count * bytes;                                                                                     \
    }
#define PARTS(name, KEY, ITEM) PUT_ITEMS(name, ITEM) PART(name, KEY, ITEM)
PARTS(1, uint32_t, uint8_t)
PARTS(2, uint32_t, uint16_t)
PARTS(4, uint32_t, uint32_t)
PARTS(8, uint64_t, uint64_t)
PARTS(places, uint64_t, uint32_t) /* of keys of 64 bits */

/* How many of `count` places come before another one that is among them. */
static inline int64_t up_to(uint32_t place, int64_t count, uint32_t other) {
    return other > place && other - place < count ? other - place : count;
}

static void part(order_sides *sides, const char *from, int64_t step, int64_t count, uint32_t place, bool indices,
                 tarn_dtype dtype) {
    uint64_t keys[SELECTED];
    const uint32_t *narrow = (const uint32_t *)(const void *)keys;
    uint32_t places[SELECTED];
    for (int64_t at = 0, some; at < count; at += some, place += (uint32_t)some) {
        some = up_to(place, count - at < SELECTED ? count - at : SELECTED, sides->first.place);
        some = up_to(place, some, sides->last.place + 1);
        int64_t apart = indices ? (int64_t)sizeof *places : step;
        const char *items = indices ? (const char *)places : from + at * step;
        keys_of(keys, from + at * step, step, some, dtype);
        for (int64_t i = 0; indices && i < some; i++) places[i] = place + (uint32_t)i;
        if (dtype_bytes(dtype) == 8 && indices)
            part_places(sides, keys, items, apart, some, place);
        else if (dtype_bytes(dtype) == 8)
            part_8(sides, keys, items, apart, some, place);
        else if (indices || dtype_bytes(dtype) == 4)
            part_4(sides, narrow, items, apart, some, place);
        else if (dtype_bytes(dtype) == 2)
            part_2(sides, narrow, items, apart, some, place);
        else
            part_1(sides, narrow, items, apart, some, place);
    }
}
