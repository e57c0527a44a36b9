/* The short-time Fourier transform and back: frames of a signal, windowed and transformed each by itself. */
#include "ops/front.h"
#include "tarn/fft.h"

typedef struct {
    int64_t n, hop;
    tarn_array *window; /* [n], NULL: ones */
} framing;

/* The window in the middle of n numbers, of which the others are zero. */
static bool framing_of(const char *name, int64_t n, const tarn_stft_options *o, framing *f) {
    *f = (framing){n, o->hop_length ? o->hop_length : n / 4, o->window};
    if (n <= 0) return tarn_fail("%s: frames of %lld numbers", name, (long long)n);
    if (o->window && o->window->ndim != 1)
        return fail_shapes(o->window, NULL, NULL, "%s: a window has one axis, not", name);
    int64_t length = o->window ? o->window->shape[0] : o->window_length ? o->window_length : n;
    if (f->hop <= 0) return tarn_fail("%s: steps of %lld numbers", name, (long long)f->hop);
    if (length <= 0 || length > n || (o->window && o->window_length && o->window_length != length))
        return tarn_fail("%s: a window of %lld numbers for frames of %lld", name, (long long)length, (long long)n);
    if (!f->window && length < n) f->window = tarn_ones(TARN_SHAPE(length), TARN_FLOAT32);
    int64_t before = (n - length) / 2;
    if (f->window && length < n) f->window = tarn_pad(f->window, TARN_INTS(before), TARN_INTS(n - length - before));
    return tarn_ok();
}

/* The places [frames, n] of the numbers of each frame. */
static tarn_array *places(const framing *f, int64_t frames) {
    tarn_array *start = tarn_arange(0, (double)(frames * f->hop), (double)f->hop, TARN_INT64);
    return tarn_add(tarn_expand_dims(start, TARN_AXES(1)), tarn_arange(0, (double)f->n, 1, TARN_INT64));
}

static tarn_array *windowed(tarn_array *frames, const framing *f) {
    return f->window ? tarn_multiply(frames, f->window) : frames;
}

/* x [..., length] with half a frame before and behind the last axis. */
static tarn_array *with_edges(tarn_array *x, int64_t half, tarn_pad_mode mode) {
    int64_t sizes[TARN_MAX_NDIM] = {0};
    sizes[x->ndim - 1] = half;
    return tarn_pad(x, ((tarn_ints){sizes, x->ndim}), ((tarn_ints){sizes, x->ndim}), .mode = mode);
}

tarn_array *tarn_stft_with(tarn_array *x, tarn_stft_options o) {
    FRONT("stft");
    REQUIRE(x);
    framing f;
    if (x->ndim < 1) return tarn_fail("stft: x is 0-d"), NULL;
    if (!framing_of("stft", o.n ? o.n : 2048, &o, &f)) return NULL;
    if (!o.not_centered && !(x = with_edges(x, f.n / 2, o.pad_mode))) return NULL;
    int64_t length = tarn_dim(x, -1); /* on which the number of frames depends */
    if (length < f.n) return tarn_fail("stft: %lld numbers are less than a frame", (long long)length), NULL;
    tarn_array *frames = windowed(tarn_take(x, places(&f, (length - f.n) / f.hop + 1), .axis = TARN_AXIS(-1)), &f);
    bool whole = o.sides == TARN_SIDES_BOTH || (o.sides == TARN_SIDES_DEFAULT && x->dtype == TARN_COMPLEX64);
    tarn_array *out = whole ? tarn_fft(frames, .norm = o.norm) : tarn_rfft(frames, .norm = o.norm);
    return tarn_swapaxes(out, -1, -2);
}

/* Frames [batch, frames, n] laid over each other: [batch, total]. */
static tarn_array *overlapped(tarn_array *frames, tarn_array *at, int64_t total) {
    tarn_array *rows = tarn_moveaxis(tarn_flatten(frames, .start_axis = TARN_AXIS(1)), 0, -1);
    tarn_array *zeros = tarn_broadcast_to(tarn_scalar(0, TARN_FLOAT32), TARN_SHAPE(total, rows ? rows->shape[1] : 0));
    return tarn_moveaxis(tarn_scatter_add(zeros, tarn_flatten(at), rows, .axis = TARN_AXIS(0)), 0, -1);
}

/* [..., total] cut, or followed by zeros, to the wanted length. */
static tarn_array *of_length(tarn_array *y, int64_t length) {
    int64_t have = y->shape[y->ndim - 1], sizes[TARN_MAX_NDIM] = {0}, none[TARN_MAX_NDIM] = {0};
    if (length <= have) return tarn_slice_axis(y, -1, 0, length);
    sizes[y->ndim - 1] = length - have;
    return tarn_pad(y, ((tarn_ints){none, y->ndim}), ((tarn_ints){sizes, y->ndim}));
}

tarn_array *tarn_istft_with(tarn_array *x, tarn_stft_options o) {
    FRONT("istft");
    REQUIRE(x);
    framing f;
    bool whole = o.sides == TARN_SIDES_BOTH;
    if (x->ndim < 2) return tarn_fail("istft: x is [..., frequencies, frames]"), NULL;
    int64_t numbers = tarn_dim(x, -2), count = tarn_dim(x, -1), n = whole ? numbers : 2 * (numbers - 1);
    if (!framing_of("istft", o.n ? o.n : n, &o, &f)) return NULL;
    tarn_array *turned = tarn_swapaxes(x, -1, -2);
    tarn_array *frames =
        whole ? tarn_real(tarn_ifft(turned, .n = f.n, .norm = o.norm)) : tarn_irfft(turned, .n = f.n, .norm = o.norm);
    frames = windowed(frames, &f);
    int64_t total = f.n + f.hop * (count > 0 ? count - 1 : 0);
    tarn_array *at = places(&f, count),
               *weight = windowed(f.window ? f.window : tarn_ones(TARN_SHAPE(f.n), TARN_FLOAT32), &f);
    int64_t batch = 1, shape[TARN_MAX_NDIM];
    for (int i = 0; i < x->ndim - 2; i++) batch *= shape[i] = x->shape[i];
    tarn_array *sum = overlapped(tarn_reshape(frames, TARN_SHAPE(batch, count, f.n)), at, total);
    tarn_array *envelope = overlapped(tarn_broadcast_to(weight, TARN_SHAPE(1, count, f.n)), at, total);
    tarn_array *y = tarn_divide(sum, tarn_maximum(envelope, tarn_scalar(1e-11, TARN_FLOAT32)));
    shape[x->ndim - 2] = total;
    y = tarn_reshape(y, (tarn_ints){shape, x->ndim - 1});
    if (!o.not_centered) y = tarn_slice_axis(y, -1, f.n / 2, o.length.given ? INT64_MAX : total - f.n / 2);
    if (!y || !o.length.given) return y;
    return o.length.axis < 0 ? (tarn_fail("istft: a length of %lld", (long long)o.length.axis), NULL)
                             : of_length(y, o.length.axis);
}
