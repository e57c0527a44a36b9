/* Indexing: what Python writes a[0, ..., 1:3, indices], and what is made of it. The rules are NumPy's.

       tarn_index(x, TARN_INDEX(TARN_AT(0), TARN_ELLIPSIS, TARN_SPAN(1, 3), TARN_PICK(indices)))

   Integers, slices, new axes and an ellipsis give a view: no data moves. Index arrays and masks gather. If they stand
   next to each other (integers count as index arrays then), their axes take their place; else they come first. A mask
   is a bool array over as many axes as it has, and stands for the places where it is true, in order. */
#ifndef TARN_INDEX_H
#define TARN_INDEX_H

#include "tarn/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    TARN_ENTRY_INTEGER,  /* start: the place on an axis, which is gone then; outside is an error (TARN_ERROR_INDEX) */
    TARN_ENTRY_SLICE,    /* start:stop:step as Python takes them */
    TARN_ENTRY_NEW_AXIS, /* an axis of size 1 */
    TARN_ENTRY_ELLIPSIS, /* all axes that the other entries do not name; at most once. Absent: at the end */
    TARN_ENTRY_ARRAY     /* array: integers, negative ones from the end; or bool: a mask */
} tarn_entry_kind;
typedef struct {
    tarn_entry_kind kind;
    int64_t start, stop, step;
    tarn_array *array;
} tarn_entry;
typedef struct {
    const tarn_entry *values;
    int64_t count;
} tarn_entries;

#define TARN_AT(i)                    (TARN_LITERAL(tarn_entry){TARN_ENTRY_INTEGER, (i), 0, 0, NULL})
#define TARN_SPAN(start, stop)        TARN_STEPS(start, stop, 1)
#define TARN_STEPS(start, stop, step) (TARN_LITERAL(tarn_entry){TARN_ENTRY_SLICE, (start), (stop), (step), NULL})
#define TARN_END                      INT64_MAX /* as stop: to the end; with a negative step TARN_BEGIN is */
#define TARN_BEGIN                    INT64_MIN
#define TARN_WHOLE                    TARN_SPAN(0, TARN_END)
#define TARN_BACKWARDS                TARN_STEPS(-1, TARN_BEGIN, -1)
#define TARN_NEW_AXIS                 (TARN_LITERAL(tarn_entry){TARN_ENTRY_NEW_AXIS, 0, 0, 0, NULL})
#define TARN_ELLIPSIS                 (TARN_LITERAL(tarn_entry){TARN_ENTRY_ELLIPSIS, 0, 0, 0, NULL})
#define TARN_PICK(array)              (TARN_LITERAL(tarn_entry){TARN_ENTRY_ARRAY, 0, 0, 0, (array)})
#ifdef __cplusplus
/* The entries live to the end of the whole expression. */
inline tarn_entries tarn_entries_of(std::initializer_list<tarn_entry> list) {
    return {list.begin(), static_cast<int64_t>(list.size())};
}
#define TARN_INDEX(...) tarn_entries_of({__VA_ARGS__})
#else
#define TARN_INDEX(...)                                                                                                \
    ((tarn_entries){(tarn_entry[]){__VA_ARGS__}, (int64_t)(sizeof((tarn_entry[]){__VA_ARGS__}) / sizeof(tarn_entry))})
#endif

typedef struct {
    int begin_;
    tarn_integer size; /* how many elements a mask selects, where x is traced by vmap or compile and nobody can count:
                          what is missing reads as zero, what is too much is left out. Absent: the mask is evaluated */
    bool check;        /* an index outside is an error where the result is read; absent: it reads as zero. Index arrays
                          that pick from an axis without elements are an error at once */
    int end_;
} tarn_index_options;
#define tarn_index(...) TARN_CALL(2, tarn_index_with, tarn_index_options, __VA_ARGS__)
TARN_API tarn_array *tarn_index_with(tarn_array *x, tarn_entries entries, tarn_index_options options TARN_ABSENT);

typedef struct {
    int begin_;
    tarn_scatter_mode mode; /* TARN_SCATTER_SET */
    tarn_integer size;      /* as in tarn_index; needed, or counted, only where a mask stands beside index arrays */
    bool check;             /* an index outside is an error where the result is read; absent: it is dropped */
    int end_;
} tarn_index_update_options;
/* x with what tarn_index would read set to values, or added to, multiplied by, the larger or smaller of both. values
   are cast to x's dtype and broadcast to the shape of what would be read. Values for a mask alone may be more than it
   selects: the first are used; fewer are an error where the result is read. Nothing is evaluated. */
#define tarn_index_update(...) TARN_CALL(3, tarn_index_update_with, tarn_index_update_options, __VA_ARGS__)
TARN_API tarn_array *tarn_index_update_with(tarn_array *x, tarn_entries entries, tarn_array *values,
                                            tarn_index_update_options options TARN_ABSENT);

typedef struct {
    int begin_;
    tarn_integer size; /* how many places there will be; absent: x is evaluated and counted, which vmap and compile
                          cannot do: an error there */
    int64_t fill;      /* the index that stands where there are fewer than size */
    int end_;
} tarn_nonzero_options;
/* Where x is not zero, in row-major order: out[i] int64 [size] are the indices on axis i of x, which has one at least.
 */
#define tarn_nonzero(...) TARN_CALL(2, tarn_nonzero_with, tarn_nonzero_options, __VA_ARGS__)
TARN_API bool tarn_nonzero_with(tarn_array *x, tarn_array **out, tarn_nonzero_options options TARN_ABSENT);

#ifdef __cplusplus
}
#endif
#endif
