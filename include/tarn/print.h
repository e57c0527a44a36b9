/* Arrays as text, in the form that MLX's have in Python: array([1, 0, 1], dtype=int32). */
#ifndef TARN_PRINT_H
#define TARN_PRINT_H

#include <stdio.h>

#include "tarn/array.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int begin_;
    tarn_integer precision; /* digits after the point of floats; absent: six significant digits, as few as do */
    int64_t edge_items;     /* 3: how many elements an axis that is cut short begins and ends with */
    int64_t threshold;      /* 6: an axis with more elements is cut short; at least 2 * edge_items */
    int64_t line_width;     /* elements that would go beyond it begin a new line; 0: lines are as long as they get */
    bool bare;              /* the brackets alone, without "array(" and the dtype */
    int end_;
} tarn_format_options;
/* Evaluates a and returns its text (tarn_free), NULL on failure. Only the elements that are shown are read. */
#define tarn_format(...) TARN_CALL(1, tarn_format_with, tarn_format_options, __VA_ARGS__)
TARN_API char *tarn_format_with(tarn_array *a, tarn_format_options options TARN_ABSENT);
/* Writes the text and an end of line: tarn_print(a, stdout). */
#define tarn_print(...) TARN_CALL(2, tarn_print_with, tarn_format_options, __VA_ARGS__)
TARN_API bool tarn_print_with(tarn_array *a, FILE *to, tarn_format_options options TARN_ABSENT);

#ifdef __cplusplus
}
#endif
#endif
