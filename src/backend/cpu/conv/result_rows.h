/* A convolution seen row by row: a row of the result, along the last axis, is the sum of what the lines of x give that
   it meets, one for each place of the kernel on the other axes (an outer tap). */
#ifndef CPU_CONV_RESULT_ROWS_H
#define CPU_CONV_RESULT_ROWS_H

#include "backend/backend.h"
#include "cpu/conv/phases.h"
#include "cpu/matmul/lines.h"

enum { CONV_ROW_AXES = 3, CONV_ROW_PHASES = 8, CONV_ROW_TAPS = 128 };

typedef struct {
    const operand *x, *w, *out;
    int last; /* axis */
    bool flip;
    conv_axis along[CONV_ROW_AXES];
    matmul_dtype dtype;
    int64_t channels, outs, rows, outer_taps, taps; /* rows of an image; taps of the last axis */
    int64_t phase_count, first, place_step, most;   /* first: the least one of a phase; most: places of one */
    conv_phase phases[CONV_ROW_PHASES];             /* along the last axis; place i of each follows the phase before */
    int64_t begins[CONV_ROW_PHASES];                /* taps of the phases before */
} conv_rows;

/* False if there are groups, nothing to compute or more than the enum allows. */
bool conv_rows_of(conv_rows *r, const call *c);

/* How far what a phase's tap meets is from the least position that the phases' places meet. */
static inline int64_t conv_distance(const conv_rows *r, const conv_phase *f, int64_t tap) {
    return f->first - r->first + tap * f->tap_step;
}
/* The largest one. */
int64_t conv_most_distance(const conv_rows *r);
/* How many lines neighbouring rows meet, if neighbouring lines are neighbours of the last axis but one. */
int64_t conv_near_lines(const conv_rows *r);

/* The element of w, `tap` counted as the kernel runs. */
int64_t conv_weight_offset(const conv_rows *r, int64_t outer, int64_t tap, int64_t channel, int64_t out);
/* The line that a row of an image meets at this outer tap; -1: none. */
int64_t conv_line_of(const conv_rows *r, int64_t row, int64_t outer);
/* The first element of a line of an image. */
int64_t conv_line_offset(const conv_rows *r, int64_t image, int64_t line);
int64_t conv_image_lines(const conv_rows *r);

#endif
