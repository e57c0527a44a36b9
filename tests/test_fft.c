/* Fourier transforms: values against NumPy (tests/fft_cases.h), there and back for many sizes, and errors. */
#include <complex.h>
#undef complex

#include "test_device.h"
#include "base/threads.h"
#include "golden_values.h"
#include "rounds.h"

/* ---- inputs, as tools/fft_vectors.py makes them */

static tarn_array *numbers(int64_t from, int64_t n) {
    float *v = malloc((size_t)n * sizeof *v);
    for (int64_t i = 0; v && i < n; i++) v[i] = (float)((from + i) * 37 % 23 - 11) / 4;
    tarn_array *a = tarn_from_data(v, TARN_SHAPE(n), TARN_FLOAT32);
    free(v);
    return a;
}
static tarn_array *x(int64_t n) {
    return numbers(0, n);
}
static tarn_array *z(int64_t n) {
    return tarn_add(tarn_astype(x(n), TARN_COMPLEX64), tarn_multiply(numbers(n, n), tarn_scalar_complex(0, 1)));
}
static tarn_array *m(int64_t rows, int64_t columns) {
    return tarn_reshape(x(rows * columns), TARN_SHAPE(rows, columns));
}

static void check_all(void) {
#define CASE(name, numpy, ...)                                                                                         \
    {                                                                                                                  \
        TARN_SCOPE;                                                                                                    \
        golden_check("fft", #name, (__VA_ARGS__), 20, 16);                                                             \
    }
#include "fft_cases.h"
#undef CASE
}

static double distance(tarn_array *a, tarn_array *b) {
    return tarn_item(tarn_max(tarn_abs(tarn_subtract(a, b))));
}

/* Every size to 200, powers, products and primes: back is what went in. */
static void check_round_trips(void) {
    static const int64_t large[] = {1024, 1000, 4096, 3125, 2187, 1009, 10007, 65536, 30030};
    bool slow = getenv("TARN_WITHOUT") != NULL; /* the reference, in n^2 steps */
    int64_t count = slow ? 200 : 200 + (int64_t)(sizeof large / sizeof *large);
    for (int64_t i = 1; i <= count; i++) {
        TARN_SCOPE;
        if (!in_rounds()) continue;
        int64_t n = i <= 200 ? i : large[i - 201];
        tarn_array *complex = z(n), *real = x(n);
        double off = distance(tarn_ifft(tarn_fft(complex)), complex);
        double off_real = distance(tarn_irfft(tarn_rfft(real), .n = n), real);
        CHECK(tarn_ok() && off < 2e-5 && off_real < 2e-5);
        if (!(off < 2e-5 && off_real < 2e-5))
            fprintf(stderr, "%lld numbers: off by %g, %g\n", (long long)n, off, off_real);
    }
}

/* Some results against sums in double: sizes of every way that a plan may take, by their factors. */
static void check_sums(void) {
    static const int64_t sizes[] = {1,   2,   3,   61,  64,  67,  127, 128,  129,  130,  135,  256,  257,
                                    258, 300, 343, 472, 512, 514, 961, 1013, 2048, 3721, 4096, 5003, 9216};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        TARN_SCOPE;
        if (!in_rounds()) continue;
        int64_t n = sizes[s];
        tarn_array *values = z(n), *result = tarn_fft(values), *back = tarn_ifft(values, .norm = TARN_FFT_FORWARD);
        const float _Complex *in = tarn_data(values), *out = tarn_data(result), *in_reverse = tarn_data(back);
        for (int64_t i = 0; in && out && in_reverse && i < 12; i++) {
            int64_t k = i * 7919 % n;
            double _Complex sum = 0, other = 0;
            for (int64_t l = 0; l < n; l++) {
                double angle = 2 * acos(-1) * (double)(k * l % n) / (double)n;
                sum += (double _Complex)in[l] * cexp(-angle * I);
                other += (double _Complex)in[l] * cexp(angle * I);
            }
            double limit = 1e-5 * sqrt((double)n);
            CHECK(cabs(sum - (double _Complex)out[k]) < limit && cabs(other - (double _Complex)in_reverse[k]) < limit);
        }
        CHECK(tarn_ok());
    }
}

/* Rows of `n` are transformed alike wherever they lie, alone, and however many threads there are. */
static void check_rows_of(int64_t n, int threads) {
    if (!in_rounds()) return;
    TARN_SCOPE;
    parallel_set_threads(threads);
    tarn_array *rows = tarn_reshape(x(3 * 20 * n), TARN_SHAPE(3, 20, n)), *all = tarn_fft(rows);
    tarn_array *columns = tarn_fft(tarn_contiguous(tarn_swapaxes(rows, 1, 2)), .axis = TARN_AXIS(1));
    CHECK(distance(all, tarn_swapaxes(columns, 1, 2)) == 0);
    tarn_array *complex = tarn_contiguous(tarn_swapaxes(all, 1, 2)), *back = tarn_ifft(complex, .axis = TARN_AXIS(1));
    CHECK(distance(tarn_ifft(all), tarn_swapaxes(back, 1, 2)) == 0);
    tarn_array *one = tarn_slice(rows, TARN_INTS(2, 19), TARN_INTS(3, 20));
    parallel_set_threads(threads + 2);
    CHECK(distance(tarn_fft(one), tarn_slice(all, TARN_INTS(2, 19), TARN_INTS(3, 20))) == 0);
    tarn_array *real = tarn_rfft(rows);
    CHECK(distance(tarn_rfft(one), tarn_slice(real, TARN_INTS(2, 19), TARN_INTS(3, 20))) == 0);
    tarn_array *again = tarn_irfft(real, .n = n), *real_of_one = tarn_slice(real, TARN_INTS(2, 19), TARN_INTS(3, 20));
    CHECK(distance(again, rows) < 2e-5);
    CHECK(distance(tarn_irfft(real_of_one, .n = n), tarn_slice(again, TARN_INTS(2, 19), TARN_INTS(3, 20))) == 0);
    parallel_set_threads(0);
}

static void check_rows(void) {
    static const int64_t sizes[] = {1, 5, 16, 74, 128, 131, 135, 300, 343, 472, 512, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) check_rows_of(sizes[i], 1 + (int)i % 3);
    if (!getenv("TARN_WITHOUT")) check_rows_of(40000, 3); /* threads share lines */
}

/* Lines of one number again and again, whose step is 0, beside each other and apart. */
static void check_repeated(void) {
    static const int64_t sizes[] = {1, 4, 61, 67, 128, 300, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        TARN_SCOPE;
        tarn_array *columns = tarn_broadcast_to(z(20), TARN_SHAPE(sizes[i], 20)), *rows = tarn_swapaxes(columns, 0, 1);
        tarn_array *of_columns = tarn_fft(columns, .axis = TARN_AXIS(0)), *of_rows = tarn_fft(rows);
        CHECK(distance(of_columns, tarn_fft(tarn_contiguous(columns), .axis = TARN_AXIS(0))) == 0);
        CHECK(distance(of_rows, tarn_swapaxes(of_columns, 0, 1)) == 0);
    }
}

/* Signals come back from their frames. */
static void check_frames(void) {
    TARN_SCOPE;
    tarn_array *signal = tarn_reshape(x(2 * 400), TARN_SHAPE(2, 400)),
               *window = tarn_add(x(30), tarn_scalar(5, TARN_FLOAT32));
    tarn_array *s = tarn_stft(signal, .n = 40, .hop_length = 8, .window = window, .pad_mode = TARN_PAD_REFLECT);
    CHECK(s && tarn_dim(s, 1) == 21 && tarn_dim(s, 2) == 51);
    CHECK(distance(tarn_istft(s, .hop_length = 8, .window = window, .length = TARN_AXIS(400)), signal) < 1e-4);
    tarn_array *both = tarn_stft(signal, .n = 40, .sides = TARN_SIDES_BOTH, .not_centered = true);
    CHECK(both && tarn_dim(both, 1) == 40 && tarn_dim(both, 2) == 37);
    CHECK(distance(tarn_istft(both, .sides = TARN_SIDES_BOTH, .not_centered = true), signal) < 1e-4);
    CHECK_ERROR(tarn_stft(signal, .n = 40, .window = x(50)), "stft: a window of 50 numbers for frames of 40");
    CHECK_ERROR(tarn_stft(signal, .n = 500, .not_centered = true), "stft: 400 numbers are less than a frame");
    CHECK_ERROR(tarn_istft(x(4)), "istft: x is [..., frequencies, frames]");
}

static void check_errors(void) {
    TARN_SCOPE;
    tarn_array *a = m(5, 6), *point = tarn_scalar(1, TARN_FLOAT32);
    CHECK_ERROR(tarn_fft(point), "fft: axis -1");
    CHECK_ERROR(tarn_fft(a, .axis = TARN_AXIS(2)), "fft: axis 2");
    CHECK_ERROR(tarn_rfft(a, .n = -1), "rfft: a transform of -1 numbers");
    CHECK_ERROR(tarn_irfft(z(1)), "irfft: a transform of 0 numbers");
    tarn_array *long_line = tarn_broadcast_to(tarn_scalar(1, TARN_FLOAT32), TARN_SHAPE((1 << 29) + 1));
    CHECK_ERROR(tarn_rfft(long_line), "rfft: a transform of 536870913 numbers, of at most 536870912");
    /* A view without memory of its own, longer than what is transformed. */
    tarn_array *turns = tarn_broadcast_to(tarn_scalar_complex(0, 1), TARN_SHAPE((1 << 29) + 1));
    CHECK(tarn_item(tarn_max(tarn_abs(tarn_fft(turns, .n = 1000)))) == 1000);
    CHECK_ERROR(tarn_ifft(tarn_zeros(TARN_SHAPE(2, 0), TARN_FLOAT32)), "ifft: a transform of 0 numbers");
    CHECK_ERROR(tarn_fft(a, .norm = (tarn_fft_norm)3), "fft: norm 3 does not exist");
    CHECK_ERROR(tarn_fft2(x(4)), "fft2: axis -2");
    CHECK_ERROR(tarn_fftn(point), "fftn: x is 0-d");
    CHECK_ERROR(tarn_fftn(a, .axes = TARN_AXES(0, 0)), "fftn: axis 0");
    CHECK_ERROR(tarn_fftn(a, .sizes = TARN_SHAPE(3)), "fftn: sizes without axes");
    CHECK_ERROR(tarn_rfftn(a, .sizes = TARN_SHAPE(3), .axes = TARN_AXES(0, 1)), "rfftn: 1 sizes of 2 axes");
    CHECK_ERROR(tarn_rfftn(a, .sizes = TARN_SHAPE(0), .axes = TARN_AXES(0)), "rfftn: a transform of 0 numbers");
    CHECK_ERROR(tarn_fftfreq(0, 1), "fftfreq: of 0 samples");
    CHECK_ERROR(tarn_rfftfreq(4, 0), "rfftfreq: a distance of 0");
    CHECK_ERROR(tarn_fftshift(a, .axes = TARN_AXES(2)), "fftshift: axis 2");
    CHECK_ERROR(tarn_fft(tarn_zeros(TARN_SHAPE(1), TARN_FLOAT32), .n = INT64_C(1) << 61),
                "fft: a transform of 2305843009213693952 numbers, of at most");
}

int main(void) {
    if (!choose_device(false)) return 77;
    check_all();
    check_round_trips();
    check_sums();
    check_rows();
    check_repeated();
    check_frames();
    check_errors();
    return check_report("fft");
}
