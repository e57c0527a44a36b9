/* Random numbers of a dtype, and where they lie: what tests of emulated kernels share. */
#ifndef EMULATED_RANDOM_H
#define EMULATED_RANDOM_H

#include <random>

#include "cuda/device.cuh"
#include "rounds.h"

static std::mt19937 generator;
static double between(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(generator);
}
static int below(int n) {
    return (int)(generator() % (unsigned)n);
}

/* Numbers of a dtype at a multiple of 256 bytes; what was never put is of ones, a NaN. */
struct numbers {
    int dtype;
    size_t count;
    char *data;

    numbers(int dtype, size_t count) : dtype(dtype), count(count) {
        const size_t bytes = (count * 4 + 511) / 256 * 256;
        data = (char *)aligned_alloc(256, bytes);
        memset(data, 0xFF, bytes);
    }
    numbers(const numbers &other) : numbers(other.dtype, other.count) { memcpy(data, other.data, count * 4); }
    ~numbers() { free(data); }
    void put(size_t i, double x) {
        dtype == D_F16    ? narrow((float16 *)data + i, (float)x)
        : dtype == D_BF16 ? narrow((bfloat16 *)data + i, (float)x)
                          : narrow((float *)data + i, (float)x);
    }
    double at(size_t i) const {
        return dtype == D_F16    ? widen(((const float16 *)data)[i])
               : dtype == D_BF16 ? widen(((const bfloat16 *)data)[i])
                                 : ((const float *)data)[i];
    }
    void fill(double low, double high) {
        for (size_t i = 0; i < count; i++) put(i, between(low, high));
    }
    /* As a number of the dtype. */
    double rounded(double x) const {
        numbers one(dtype, 1);
        one.put(0, x);
        return one.at(0);
    }
};

/* By how much a number of the dtype may be off, as a part of it. */
static double step_of(int dtype) {
    return dtype == D_F32 ? 0x1p-23 : dtype == D_F16 ? 0x1p-10 : 0x1p-7;
}

static long checks, failures;
static void check(double got, double want, double slack, const char *what, size_t i) {
    checks++;
    if (std::abs(got - want) <= slack) return;
    if (failures++ < 20) printf("%s %zu: %g, should be %g, at most %g off\n", what, i, got, want, slack);
}

/* Tests so many cases drawn at random, `usual` unless TARN_ROUNDS says otherwise, and tells those that failed, and the
   seed by which they are drawn again. The status of the program. */
template <class C> static int test_cases(int usual, C (*draw)(), void (*test)(const C &), void (*tell)(const C &)) {
    const uint64_t seed = first_seed();
    generator.seed((unsigned)seed);
    for (int i = rounds(usual); i-- > 0;) {
        const C t = draw();
        const long before = failures;
        test(t);
        if (failures > before) tell(t);
    }
    printf("TARN_SEED=%llu: %ld checks, %ld failures\n", (unsigned long long)seed, checks, failures);
    return failures != 0;
}

#endif
