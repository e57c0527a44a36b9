/* Loops of one fold (fold.h). The file that includes this defines

     NAME(f)              f with the name of the kind and the dtype
     ELEMENT, ELEMENTS    an element, and COUNT of them
     VALUE, VALUES        what they fold into, and COUNT of those
     WIDEN(e)             ELEMENTS as VALUES
     IN_TWOS(x, j)        if it is there: VALUES j from x on, vectors in twos that may share out their elements
     FIRST                folds into anything without changing it
     FOLD(a, b)           VALUES of a and b

   and undefines NAME, FIRST and FOLD after it. */

/* Values beyond count are FIRST. */
INLINE VALUES NAME(get)(const ELEMENT *from, int64_t count) {
    ELEMENTS elements = {0};
    if (count >= COUNT) {
        memcpy(&elements, from, sizeof elements);
        return WIDEN(elements);
    }
    for (int i = 0; i < COUNT; i++) elements[i] = i < count ? from[i] : 0;
    VALUES v = WIDEN(elements);
    for (int i = 0; i < COUNT; i++) v[i] = i < count ? v[i] : FIRST;
    return v;
}

/* Vector j of an even number of them, which may share out their elements otherwise than in their order. */
INLINE VALUES NAME(side)(const ELEMENT *from, int j) {
#ifdef IN_TWOS
    return IN_TWOS(from, j);
#else
    return NAME(get)(from + j * COUNT, COUNT);
#endif
}

static void NAME(run)(void *totals, const void *from, int64_t count) {
    const ELEMENT *x = from;
    VALUES sums[SIDE];
    int64_t i = 0;
    memcpy(sums, totals, sizeof sums);
    for (; i + SIDE * COUNT <= count; i += SIDE * COUNT) {
        UNROLL(8)
        for (int j = 0; j < SIDE; j++) {
            if (j * (int)sizeof(ELEMENTS) % 64 == 0) PREFETCH((const char *)(x + i + j * COUNT) + AHEAD);
            sums[j] = FOLD(sums[j], NAME(side)(x + i, j));
        }
    }
    for (; i + COUNT <= count; i += COUNT) sums[0] = FOLD(sums[0], NAME(get)(x + i, COUNT));
    if (i < count) sums[0] = FOLD(sums[0], NAME(get)(x + i, count - i));
    memcpy(totals, sums, sizeof sums);
}

INLINE VALUES NAME(join_sides)(VALUES *sides) {
    for (int half = SIDE / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) sides[j] = FOLD(sides[j], sides[j + half]);
    return sides[0];
}

INLINE VALUE NAME(join_lanes)(VALUES sum) {
    VALUES other;
    VALUE lanes[2 * COUNT];
    memcpy(lanes + COUNT, &sum, sizeof sum);
    for (int half = COUNT / 2; half > 0; half /= 2) {
        memcpy(lanes, &sum, sizeof sum);
        memcpy(&other, lanes + half, sizeof other);
        sum = FOLD(sum, other);
    }
    return sum[0];
}

/* Values beyond SIDE * COUNT are FIRST. */
static void NAME(join)(void *totals) {
    VALUES sums[SIDE];
    memcpy(sums, totals, sizeof sums);
    VALUE total = NAME(join_lanes)(NAME(join_sides)(sums));
    memcpy(totals, &total, sizeof total);
}

INLINE void NAME(column_step)(char *total, const ELEMENT *x, int64_t count) {
    VALUES sum;
    memcpy(&sum, total, sizeof sum);
    sum = FOLD(sum, NAME(get)(x, count));
    memcpy(total, &sum, sizeof sum);
}

static void NAME(columns)(void *totals, const void *from, int64_t count, int64_t ahead) {
    const ELEMENT *x = from;
    int64_t i = 0;
    for (; i + COUNT <= count; i += COUNT) {
        PREFETCH(x + i + ahead);
        NAME(column_step)((char *)totals + i * (int64_t)sizeof(VALUE), x + i, COUNT);
    }
    if (i < count) NAME(column_step)((char *)totals + i * (int64_t)sizeof(VALUE), x + i, count - i);
}
