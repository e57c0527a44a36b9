/* Convolutions: what each place of the result meets, brought side by side for a product; or, of grouped ones, each
 * number by itself. */
#include "cuda/device.cuh"

/* Which place of x [batch, size ..., channels] the place `row` of the result meets at `tap`, counted in places of x;
 * -1: a zero. */
DEVICE i64 place_met(const conv_kernel &k, i64 row, i64 tap) {
    i64 at = 0, step = 1;
    if (k.flip) tap = k.taps - 1 - tap;
    for (int i = k.axes - 1; i >= 0; i--) {
        i64 place, of_kernel, rest;
        row = divide(row, k.places[i], &place);
        tap = divide(tap, k.kernel[i], &of_kernel);
        i64 reached = place * k.stride[i] + of_kernel * k.kernel_dilation[i] - k.low[i];
        if (reached < 0) return -1;
        reached = divide(reached, k.input_dilation[i], &rest);
        if (rest || reached >= k.size[i]) return -1;
        at += reached * step;
        step *= k.size[i];
    }
    return at + row * step;
}

template <class S> __global__ void unfold_elements(const __grid_constant__ conv_kernel k) {
    i64 channel, tap, i = thread_number(), row = divide(divide(i, k.channels, &channel), k.taps, &tap);
    begin();
    if (row >= k.rows) return;
    i64 at = place_met(k, k.first_row + row, tap);
    S none = {};
    ((S *)k.to)[i] = at < 0 ? none : ((const S *)k.x)[at * k.channels + channel];
}

void launch_unfold(const conv_kernel *k, kernel_stream stream) {
    PIECE_SIZES(k->bytes,
                start(unfold_elements<type>, blocks_for(k->rows * k->taps * k->channels, 256), 256, 0, stream, *k))
}

template <class S> __global__ void convolve(const __grid_constant__ conv_kernel k) {
    i64 all = k.outs * k.groups, out, i = thread_number(), row = divide(i, all, &out), group = out / k.outs;
    begin();
    using namespace language; /* what complex numbers are multiplied by */
    if (row >= k.rows) return;
    wide<S> sum = 0;
    for (i64 tap = 0; tap < k.taps; tap++) {
        i64 at = place_met(k, row, tap);
        if (at < 0) continue;
        const S *x = (const S *)k.x + (at * k.groups + group) * k.channels,
                *w = (const S *)k.w + (out * k.taps + tap) * k.channels;
        for (i64 c = 0; c < k.channels; c++) sum = sum + (wide<S>)widen(x[c]) * (wide<S>)widen(w[c]);
    }
    narrow((S *)k.to + i, sum);
}

void launch_conv(const conv_kernel *k, kernel_stream stream) {
    unsigned blocks = blocks_for(k->rows * k->outs * k->groups, 256);
    switch (k->dtype) {
        FLOAT_CASES(start(convolve<type>, blocks, 256, 0, stream, *k))
        CASE(D_C64, complex64, start(convolve<type>, blocks, 256, 0, stream, *k))
    }
}
