/* Fourier transforms by Stockham's passes: each takes numbers n / radix apart, turns and transforms them, and leaves
   them where the next pass finds them in order, so that nothing is permuted. Lines of up to FFT_HELD numbers go through
   all passes in shared memory. Sizes with factors above 7 are a convolution with a chirp (L. Bluestein, 1970), whose
   transform is that of one more line. */
#include "cuda/device.cuh"
#include "cuda/fft/fft.h"

enum { KIND_COMPLEX, KIND_REAL, KIND_HALF, THREADS = 256 };

struct c32 {
    float re, im;
};
DEVICE c32 operator+(c32 a, c32 b) {
    return {a.re + b.re, a.im + b.im};
}
DEVICE c32 operator-(c32 a, c32 b) {
    return {a.re - b.re, a.im - b.im};
}
DEVICE c32 operator*(c32 a, c32 b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
/* exp(sign * 2 pi i at / of), 0 <= at < of */
DEVICE c32 turn_of(i64 at, i64 of, int sign) {
    double s, c;
    ::sincospi(2 * (double)at / (double)of, &s, &c);
    return {(float)c, (float)(sign * s)};
}
/* times sign * i */
DEVICE c32 quarter(c32 x, int sign) {
    return sign > 0 ? c32{-x.im, x.re} : c32{x.im, -x.re};
}

/* ---- transforms of R numbers */
template <int R> struct small_transform {
    static DEVICE_MEMBER void run(c32 (&x)[R], int sign) {
        c32 turns[R], y[R];
#pragma unroll
        for (int r = 0; r < R; r++) turns[r] = turn_of(r, R, sign), y[r] = x[r];
#pragma unroll
        for (int q = 0; q < R; q++) {
            x[q] = y[0];
#pragma unroll
            for (int r = 1; r < R; r++) x[q] = x[q] + y[r] * turns[q * r % R];
        }
    }
};
template <> struct small_transform<2> {
    static DEVICE_MEMBER void run(c32 (&x)[2], int) {
        c32 a = x[0], b = x[1];
        x[0] = a + b;
        x[1] = a - b;
    }
};
template <> struct small_transform<4> {
    static DEVICE_MEMBER void run(c32 (&x)[4], int sign) {
        c32 a = x[0] + x[2], b = x[0] - x[2], c = x[1] + x[3], d = quarter(x[1] - x[3], sign);
        x[0] = a + c;
        x[1] = b + d;
        x[2] = a - c;
        x[3] = b - d;
    }
};

/* Number j of the n / R transforms of a pass, after passes whose radices multiply to `done`. */
template <int R> DEVICE void pass_one(const c32 *from, c32 *to, i64 n, i64 done, i64 j, int sign) {
    c32 x[R];
    i64 k, group = divide(j, done, &k);
#pragma unroll
    for (int r = 0; r < R; r++) x[r] = from[j + r * (n / R)];
    if (k) {
#pragma unroll
        for (int r = 1; r < R; r++) x[r] = x[r] * turn_of(r * k, done * R, sign);
    }
    small_transform<R>::run(x, sign);
#pragma unroll
    for (int r = 0; r < R; r++) to[group * done * R + k + r * done] = x[r];
}

DEVICE void pass_by(int radix, const c32 *from, c32 *to, i64 n, i64 done, i64 j, int sign) {
    switch (radix) {
    case 2:
        return pass_one<2>(from, to, n, done, j, sign);
    case 3:
        return pass_one<3>(from, to, n, done, j, sign);
    case 4:
        return pass_one<4>(from, to, n, done, j, sign);
    case 5:
        return pass_one<5>(from, to, n, done, j, sign);
    default:
        return pass_one<7>(from, to, n, done, j, sign);
    }
}

__global__ void __launch_bounds__(THREADS)
    pass_all(const c32 *from, c32 *to, i64 lines, i64 n, i64 done, int radix, int sign) {
    i64 j, line = divide(thread_number(), n / radix, &j);
    begin();
    if (line < lines) pass_by(radix, from + line * n, to + line * n, n, done, j, sign);
}

/* All passes of a line, a block; what it leaves is where it found it. */
__global__ void __launch_bounds__(THREADS) pass_held(const __grid_constant__ fft_kernel k, c32 *lines, int sign) {
    extern __shared__ c32 held[];
    c32 *from = held, *to = held + k.size, *line = lines + blockIdx.x * k.size;
    i64 done = 1;
    begin();
    for (i64 i = threadIdx.x; i < k.size; i += THREADS) from[i] = line[i];
    for (int p = 0; p < k.passes; p++) {
        __syncthreads();
        for (i64 j = threadIdx.x; j < k.size / k.radices[p]; j += THREADS)
            pass_by(k.radices[p], from, to, k.size, done, j, sign);
        c32 *other = from;
        from = to, to = other;
        done *= k.radices[p];
    }
    __syncthreads();
    for (i64 i = threadIdx.x; i < k.size; i += THREADS) line[i] = from[i];
}

/* ---- lines as they are given and taken */

/* exp(sign * pi i at^2 / n) */
DEVICE c32 chirp(const fft_kernel &k, i64 at, int sign) {
    return turn_of((i64)((u64)at * (u64)at % (u64)(2 * k.n)), 2 * k.n, sign);
}
DEVICE int sign_of(const fft_kernel &k) {
    return k.inverse ? 1 : -1;
}

/* Number i of a line: cut off, followed by zeros, or the conjugates of the first half. */
DEVICE c32 given_number(const fft_kernel &k, i64 line, i64 i) {
    bool half = k.kind == KIND_HALF, mirrored = half && i > k.n / 2;
    i64 at = mirrored ? k.n - i : i, begin = place_of(line, k.ndim, k.shape, k.from_strides);
    if (i >= k.n || at >= k.given) return {0, 0};
    if (k.kind == KIND_REAL) return {((const float *)k.from)[begin + at * k.from_step], 0};
    c32 x = ((const c32 *)k.from)[begin + at * k.from_step];
    if (half && (at == 0 || 2 * at == k.n)) x.im = 0;
    if (mirrored) x.im = -x.im;
    return x;
}

/* The line behind the last is the chirp that all are convolved with. */
__global__ void __launch_bounds__(THREADS) load_lines(const __grid_constant__ fft_kernel k, c32 *to) {
    i64 n = thread_number(), i, line = divide(n, k.size, &i);
    begin();
    if (line >= k.lines + k.chirped) return;
    if (line < k.lines) {
        c32 x = given_number(k, line, i);
        to[n] = k.chirped && i < k.n ? x * chirp(k, i, sign_of(k)) : x;
    } else {
        i64 at = i < k.n ? i : k.size - i;
        to[n] = at < k.n ? chirp(k, at, -sign_of(k)) : c32{0, 0};
    }
}

__global__ void __launch_bounds__(THREADS) multiply_lines(const __grid_constant__ fft_kernel k, c32 *lines) {
    i64 n = thread_number(), i, line = divide(n, k.size, &i);
    begin();
    if (line < k.lines) lines[n] = lines[n] * lines[k.lines * k.size + i];
}

__global__ void __launch_bounds__(THREADS) store_lines(const __grid_constant__ fft_kernel k, const c32 *from) {
    i64 i, line = divide(thread_number(), k.taken, &i);
    begin();
    if (line >= k.lines) return;
    c32 x = from[line * k.size + i];
    if (k.chirped) {
        float share = 1 / (float)k.size;
        x = x * chirp(k, i, sign_of(k));
        x = {x.re * share, x.im * share};
    }
    i64 at = place_of(line, k.ndim, k.shape, k.to_strides) + i * k.to_step;
    if (k.kind == KIND_HALF)
        ((float *)k.to)[at] = x.re * k.scale;
    else
        ((c32 *)k.to)[at] = {x.re * k.scale, x.im * k.scale};
}

/* ---- launching */
static unsigned blocks_of(i64 n) {
    return blocks_for(n, THREADS);
}

/* Of `lines` lines in room `at`; returns the room where they are then. */
static int transform(const fft_kernel *k, i64 lines, int at, int sign, kernel_stream stream) {
    i64 done = 1;
    if (k->size <= FFT_HELD) {
        size_t bytes = (size_t)k->size * 2 * sizeof(c32);
        allow_shared(pass_held, bytes);
        start(pass_held, (unsigned)lines, THREADS, bytes, stream, *k, (c32 *)k->room[at], sign);
        return at;
    }
    for (int p = 0; p < k->passes; p++, at ^= 1) {
        start(pass_all, blocks_of(lines * (k->size / k->radices[p])), THREADS, 0, stream, (const c32 *)k->room[at],
              (c32 *)k->room[at ^ 1], lines, k->size, done, k->radices[p], sign);
        done *= k->radices[p];
    }
    return at;
}

void launch_fft(const fft_kernel *k, kernel_stream stream) {
    const i64 all = k->lines + k->chirped;
    const int sign = k->inverse ? 1 : -1;
    start(load_lines, blocks_of(all * k->size), THREADS, 0, stream, *k, (c32 *)k->room[0]);
    int at = transform(k, all, 0, k->chirped ? -1 : sign, stream);
    if (k->chirped) {
        start(multiply_lines, blocks_of(k->lines * k->size), THREADS, 0, stream, *k, (c32 *)k->room[at]);
        at = transform(k, k->lines, at, 1, stream);
    }
    start(store_lines, blocks_of(k->lines * k->taken), THREADS, 0, stream, *k, (const c32 *)k->room[at]);
}
