#include "cpu/move.h"

#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "cpu/lanes.h"
#include "cpu/past.h"

enum {
    BAND = 8,         /* tiles */
    LINE = PAST_LINE, /* bytes: transposes work on tiles as wide as a line of the cache */
    FEW_COLUMNS = 8,  /* of which a loop is mostly its beginning and end */
    FEW_ROWS = 256,
    GRAIN_BYTES = 1 << 17, /* what is worth a thread */
    PAST_BYTES = 16 << 20  /* transposes of so many go past the caches */
};

/* Merges axis i into the one before it where one stride of each view walks both. */
static void add_axis(move_plan *p, int64_t size, int64_t to, int64_t from) {
    int last = p->ndim - 1;
    if (size == 1) return;
    if (p->ndim > 0 && p->to[last] == to * size && p->from[last] == from * size) {
        p->shape[last] *= size;
        p->to[last] = to;
        p->from[last] = from;
        return;
    }
    p->shape[p->ndim] = size;
    p->to[p->ndim] = to;
    p->from[p->ndim++] = from;
}

static void swap_axes(move_plan *p, int i, int j) {
    int64_t shape = p->shape[i], to = p->to[i], from = p->from[i];
    p->shape[i] = p->shape[j], p->to[i] = p->to[j], p->from[i] = p->from[j];
    p->shape[j] = shape, p->to[j] = to, p->from[j] = from;
}

/* If the source is not dense along the last axis, the axis along which it is closest to dense becomes the last but one:
 * the two make tiles.
 */
static void arrange(move_plan *p) {
    int last = p->ndim - 1, best = last;
    for (int i = 0; i < last; i++)
        if (llabs(p->from[i]) < llabs(p->from[best]) && p->from[i] != 0) best = i;
    if (best == last) return;
    for (int i = best; i + 1 < last; i++) swap_axes(p, i, i + 1);
}

move_plan move_plan_of(int ndim, const int64_t *shape, const int64_t *to_strides, const int64_t *from_strides,
                       int64_t bytes) {
    move_plan p = {.bytes = bytes};
    for (int i = 0; i < ndim; i++) add_axis(&p, shape[i], to_strides[i] * bytes, from_strides[i] * bytes);
    if (p.ndim == 0) {
        p.ndim = 1;
        p.shape[0] = 1;
        p.to[0] = p.from[0] = bytes;
    }
    arrange(&p);
    return p;
}

/* ---- one row, and a tile of rows */

/* Steps that the compiler knows make vectors: one element repeated, every other one. */
#define COPY_ROW(bits)                                                                                                 \
    static inline void copy_steps_##bits(char *to, int64_t to_step, const char *from, int64_t from_step,               \
                                         int64_t count) {                                                              \
        for (int64_t i = 0; i < count; i++) memcpy(to + i * to_step, from + i * from_step, bits / 8);                  \
    }                                                                                                                  \
    static void copy_row_##bits(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t count) {       \
        const int64_t bytes = bits / 8;                                                                                \
        uint##bits##_t one;                                                                                            \
        if (to_step == bytes && from_step == 0) {                                                                      \
            memcpy(&one, from, sizeof one);                                                                            \
            copy_steps_##bits(to, bytes, (const char *)&one, 0, count);                                                \
        } else if (to_step == bytes && from_step == 2 * bytes)                                                         \
            copy_steps_##bits(to, bytes, from, 2 * bytes, count);                                                      \
        else                                                                                                           \
            copy_steps_##bits(to, to_step, from, from_step, count);                                                    \
    }
COPY_ROW(8)
COPY_ROW(16)
COPY_ROW(32)
COPY_ROW(64)

static void copy_row(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t count, int64_t bytes) {
    if (to_step == bytes && from_step == bytes)
        memcpy(to, from, (size_t)(count * bytes));
    else if (bytes == 4)
        copy_row_32(to, to_step, from, from_step, count);
    else if (bytes == 2)
        copy_row_16(to, to_step, from, from_step, count);
    else if (bytes == 1)
        copy_row_8(to, to_step, from, from_step, count);
    else
        copy_row_64(to, to_step, from, from_step, count);
}

/* A square of count vectors of count elements, transposed by log2(count) perfect shuffles: each takes the elements of
 * every vector of the first half by turns with those of its partner in the second. */
#define TURNS(i, count, first) ((first) + (i) / 2 + (i) % 2 * (count))
#define SQUARE(bits, count)                                                                                            \
    typedef uint##bits##_t vector_##bits __attribute__((vector_size(16)));                                             \
    static inline void turn_##bits(vector_##bits *to, const vector_##bits *from) {                                     \
        for (int i = 0; i < (count) / 2; i++) {                                                                        \
            vector_##bits x = from[i], y = from[i + (count) / 2];                                                      \
            to[2 * i] = __builtin_shufflevector(x, y, LANE_LIST(count, TURNS, 0));                                     \
            to[2 * i + 1] = __builtin_shufflevector(x, y, LANE_LIST(count, TURNS, (count) / 2));                       \
        }                                                                                                              \
    }                                                                                                                  \
    static inline void square_##bits(char *to, const char *from) {                                                     \
        vector_##bits first[count], second[count], *a = first, *b = second;                                            \
        for (int i = 0; i < (count); i++) memcpy(&a[i], from + i * LINE, sizeof *a);                                   \
        for (int n = 1; n < (count); n *= 2) {                                                                         \
            turn_##bits(b, a);                                                                                         \
            vector_##bits *turned = b;                                                                                 \
            b = a, a = turned;                                                                                         \
        }                                                                                                              \
        for (int i = 0; i < (count); i++) memcpy(to + i * LINE, &a[i], sizeof *a);                                     \
    }
SQUARE(8, 16)
SQUARE(16, 8)
SQUARE(32, 4)
SQUARE(64, 2)
#undef SQUARE
#undef TURNS

/* Whole lines with constant counts: the compiler has no calls to make for them. */
static inline void copy_lines(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t count,
                              int64_t bytes) {
    if (bytes == LINE)
        for (int64_t i = 0; i < count; i++) memcpy(to + i * to_step, from + i * from_step, LINE);
    else
        for (int64_t i = 0; i < count; i++) memcpy(to + i * to_step, from + i * from_step, (size_t)bytes);
}

static inline void put_lines(char *to, int64_t to_step, const char *from, int64_t count, int64_t bytes, bool past) {
    if (past && bytes == LINE && (uintptr_t)to % LINE == 0 && to_step % LINE == 0)
        for (int64_t i = 0; i < count; i++) past_line(to + i * to_step, from + i * LINE);
    else
        copy_lines(to, to_step, from, LINE, count, bytes);
}

/* A tile whose source is dense along the rows' axis: every line of memory is read and written once and whole, by way of
 * buffers, between which squares go. */
#define TRANSPOSE(bits)                                                                                                \
    static void transpose_##bits(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t rows,         \
                                 int64_t columns, bool past) {                                                         \
        enum { SIDE = 512 / bits, SQUARE_BYTES = 16, SQUARE_SIDE = 128 / bits };                                       \
        char tile[SIDE * LINE], turned[SIDE * LINE];                                                                   \
        if (rows < SIDE || columns < SIDE) memset(tile, 0, sizeof tile);                                               \
        copy_lines(tile, LINE, from, from_step, columns, rows *(bits / 8));                                            \
        for (int j = 0; j < SIDE / SQUARE_SIDE; j++)                                                                   \
            for (int i = 0; i < SIDE / SQUARE_SIDE; i++)                                                               \
                square_##bits(turned + i * SQUARE_SIDE * LINE + j * SQUARE_BYTES,                                      \
                              tile + j * SQUARE_SIDE * LINE + i * SQUARE_BYTES);                                       \
        put_lines(to, to_step, turned, rows, columns *(bits / 8), past);                                               \
    }
TRANSPOSE(8)
TRANSPOSE(16)
TRANSPOSE(32)
TRANSPOSE(64)

static void transpose(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t rows, int64_t columns,
                      int64_t bytes, bool past) {
    if (bytes == 4)
        transpose_32(to, to_step, from, from_step, rows, columns, past);
    else if (bytes == 2)
        transpose_16(to, to_step, from, from_step, rows, columns, past);
    else if (bytes == 1)
        transpose_8(to, to_step, from, from_step, rows, columns, past);
    else
        transpose_64(to, to_step, from, from_step, rows, columns, past);
}

/* Rows of a few elements: down the columns, some rows that stay in the cache at a time. */
static void copy_columns(const move_plan *p, char *to, const char *from, int64_t begin, int64_t end) {
    int inner = p->ndim - 1, outer = p->ndim - 2;
    for (int64_t i = begin; i < end; i += FEW_ROWS)
        for (int64_t j = 0; j < p->shape[inner]; j++)
            copy_row(to + i * p->to[outer] + j * p->to[inner], p->to[outer],
                     from + i * p->from[outer] + j * p->from[inner], p->from[outer],
                     end - i < FEW_ROWS ? end - i : FEW_ROWS, p->bytes);
}

/* Rows [begin, end) of the last two axes. */
static void copy_rows(const move_plan *p, char *to, const char *from, int64_t begin, int64_t end) {
    int inner = p->ndim - 1, outer = p->ndim - 2;
    int64_t columns = p->shape[inner], side = LINE / p->bytes;
    if (columns < FEW_COLUMNS && columns < end - begin) {
        copy_columns(p, to, from, begin, end);
        return;
    }
    if (p->from[outer] != p->bytes || p->to[inner] != p->bytes || p->from[inner] == p->bytes) {
        for (int64_t i = begin; i < end; i++)
            copy_row(to + i * p->to[outer], p->to[inner], from + i * p->from[outer], p->from[inner], columns, p->bytes);
        return;
    }
    /* A band of columns at a time: the next rows then lie in pages and lines that are at hand, or on their way. */
    for (int64_t band = 0; band < columns; band += BAND * side) {
        int64_t stop = columns - band < BAND * side ? columns : band + BAND * side;
        for (int64_t i = begin; i < end; i += side)
            for (int64_t j = band; j < stop; j += side) {
                const char *tile = from + i * p->bytes + j * p->from[inner];
                int64_t width = stop - j < side ? stop - j : side;
                for (int64_t k = 0; k < width; k++) __builtin_prefetch(tile + LINE + k * p->from[inner]);
                transpose(to + i * p->to[outer] + j * p->bytes, p->to[outer], tile, p->from[inner],
                          end - i < side ? end - i : side, width, p->bytes, p->past);
            }
    }
}

/* ---- all of it. Rows are numbered over all axes but the last. */

static int64_t row_count(const move_plan *p) {
    int64_t rows = 1;
    for (int i = 0; i + 1 < p->ndim; i++) rows *= p->shape[i];
    return rows;
}

/* Rows [begin, end), piece by piece of the last but one axis. */
static void move_rows(const move_plan *p, char *to, const char *from, int64_t begin, int64_t end) {
    int64_t height = p->ndim > 1 ? p->shape[p->ndim - 2] : 1;
    while (begin < end) {
        int64_t rest = begin / height, first = begin % height, stop = first + end - begin;
        if (stop > height) stop = height;
        int64_t to_offset = 0, from_offset = 0;
        for (int i = p->ndim - 3; i >= 0; i--) {
            to_offset += rest % p->shape[i] * p->to[i];
            from_offset += rest % p->shape[i] * p->from[i];
            rest /= p->shape[i];
        }
        copy_rows(p, to + to_offset, from + from_offset, first, stop);
        begin += stop - first;
    }
}

static void move_one_axis(const move_plan *p, char *to, const char *from, int64_t begin, int64_t end) {
    copy_row(to + begin * p->to[0], p->to[0], from + begin * p->from[0], p->from[0], end - begin, p->bytes);
}

void move_run(const move_plan *p, char *to, const char *from) {
    for (int i = 0; i < p->ndim; i++)
        if (p->shape[i] == 0) return;
    if (p->ndim == 1)
        move_one_axis(p, to, from, 0, p->shape[0]);
    else
        move_rows(p, to, from, 0, row_count(p));
}

typedef struct {
    const move_plan *plan;
    char *to;
    const char *from;
} move_job;

static void move_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    move_job *j = context;
    if (j->plan->ndim == 1)
        move_one_axis(j->plan, j->to, j->from, begin, end);
    else
        move_rows(j->plan, j->to, j->from, begin, end);
    if (j->plan->past) past_fence();
}

void move_run_parallel(const move_plan *block, char *to, const char *from) {
    move_plan own = *block, *p = &own;
    for (int i = 0; i < p->ndim; i++)
        if (p->shape[i] == 0) return;
    move_job job = {p, to, from};
    p->past = row_count(p) * p->shape[p->ndim - 1] * p->bytes >= PAST_BYTES;
    int64_t row_bytes = p->ndim == 1 ? p->bytes : p->shape[p->ndim - 1] * p->bytes;
    int64_t grain = GRAIN_BYTES / row_bytes;
    if (p->ndim > 1) grain = (grain + LINE - 1) / LINE * LINE;
    parallel_for(p->ndim == 1 ? p->shape[0] : row_count(p), grain < 1 ? 1 : grain, move_part, &job);
}
