#include "cpu/conv/phases.h"

static int64_t common_divisor(int64_t a, int64_t b) {
    return b ? common_divisor(b, a % b) : a;
}

/* Phases beyond stride's share of the input's dilation would repeat others. */
int64_t conv_phases_of(const conv_axis *a) {
    return a->input_dilation / common_divisor(a->input_dilation, a->stride);
}

/* The first tap of a phase: begin * stride + tap * dilation - low is a multiple of the input's dilation. -1: none. */
static int64_t first_tap(const conv_axis *c, int64_t begin, int64_t kernel) {
    for (int64_t tap = 0; tap < kernel && tap < c->input_dilation; tap++)
        if ((begin * c->stride + tap * c->kernel_dilation - c->low) % c->input_dilation == 0) return tap;
    return -1;
}

conv_phase conv_phase_of(const conv_axis *a, int64_t phase, int64_t kernel, int64_t places) {
    int64_t dilation = a->input_dilation, step = conv_phases_of(a),
            tap_step = dilation / common_divisor(dilation, a->kernel_dilation), tap = first_tap(a, phase, kernel);
    return (conv_phase){.begin = phase,
                        .step = step,
                        .places = phase < places ? (places - phase + step - 1) / step : 0,
                        .tap = tap,
                        .kernel_step = tap_step,
                        .taps = tap < 0 ? 0 : (kernel - tap + tap_step - 1) / tap_step,
                        .first = (phase * a->stride + tap * a->kernel_dilation - a->low) / dilation,
                        .place_step = step * a->stride / dilation,
                        .tap_step = tap_step * a->kernel_dilation / dilation};
}
