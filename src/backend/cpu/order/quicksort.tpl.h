/* Quicksort of keys of one kind (Hoare, 1962; heap sort where partitions go wrong too often: Musser, 1997). The file
   that includes this defines

     NAME(f)     f with the kind's name
     KEY         the type of a key
     PAIRS       1 if places go with the keys, else 0
     SMALL       what sort_small sorts at most

   and the functions

     NAME(partition)(keys, places, n, key, place)   those below (key, place) first; returns how many. n > SMALL
     NAME(sort_small)(keys, places, n)              n <= SMALL

   It leaves NAME(sort) and NAME(split), as order.h has them. */

enum { NAME(SAMPLE) = SMALL < 64 ? SMALL : 64, NAME(FEW) = 16, NAME(MANY) = 4096 };

static inline bool NAME(less)(const KEY *keys, const uint32_t *places, int64_t i, int64_t j) {
    return keys[i] < keys[j] || (PAIRS && keys[i] == keys[j] && places[i] < places[j]);
}

static inline void NAME(swap)(KEY *keys, uint32_t *places, int64_t i, int64_t j) {
    KEY key = keys[i];
    keys[i] = keys[j];
    keys[j] = key;
    if (!PAIRS) return;
    uint32_t place = places[i];
    places[i] = places[j];
    places[j] = place;
}

static void NAME(sift)(KEY *keys, uint32_t *places, int64_t i, int64_t n) {
    for (int64_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && NAME(less)(keys, places, child, child + 1)) child++;
        if (!NAME(less)(keys, places, i, child)) return;
        NAME(swap)(keys, places, i, child);
        i = child;
    }
}

static void NAME(heap_sort)(KEY *keys, uint32_t *places, int64_t n) {
    for (int64_t i = n / 2 - 1; i >= 0; i--) NAME(sift)(keys, places, i, n);
    for (int64_t end = n - 1; end > 0; end--) {
        NAME(swap)(keys, places, 0, end);
        NAME(sift)(keys, places, 0, end);
    }
}

/* Two parts around the median of a sample. Where nothing is below it, it is the least: then those equal to it. */
static int64_t NAME(split)(void *all, uint32_t *places, int64_t n, bool *sorted) {
    KEY *keys = all, sample[NAME(SAMPLE)];
    uint32_t sample_places[NAME(SAMPLE)] = {0};
    int64_t count = n > NAME(MANY) ? NAME(SAMPLE) : NAME(FEW);
    for (int64_t i = 0; i < count; i++) {
        int64_t at = n / count * i + n / count / 2;
        sample[i] = keys[at];
        if (PAIRS) sample_places[i] = places[at];
    }
    NAME(sort_small)(sample, sample_places, count);
    KEY key = sample[count / 2];
    uint32_t place = sample_places[count / 2];
    int64_t first = NAME(partition)(keys, places, n, key, place);
    *sorted = first == 0;
    if (first > 0) return first;
    if (PAIRS) return NAME(partition)(keys, places, n, key, place + 1);
    return key == (KEY)-1 ? n : NAME(partition)(keys, places, n, (KEY)(key + 1), 0);
}

static void NAME(sort_to_depth)(KEY *keys, uint32_t *places, int64_t n, int depth) {
    while (n > SMALL) {
        bool sorted;
        if (depth-- == 0) {
            NAME(heap_sort)(keys, places, n);
            return;
        }
        int64_t first = NAME(split)(keys, places, n, &sorted);
        if (!sorted) NAME(sort_to_depth)(keys, places, first, depth);
        keys += first;
        if (PAIRS) places += first;
        n -= first;
    }
    NAME(sort_small)(keys, places, n);
}

static void NAME(sort)(void *keys, uint32_t *places, int64_t n) {
    int depth = 8;
    for (int64_t left = n; left > 0; left /= 2) depth += 2;
    NAME(sort_to_depth)(keys, places, n, depth);
}

#undef NAME
#undef KEY
#undef PAIRS
#undef SMALL
