/* Products of float64 and complex64 against sums in long double: sizes around every block, factors stored either way
   round or with neither axis dense, every instruction set of this machine. */
#include <complex.h>
#include <math.h>

#include "base/cpu.h"
#include "check.h"
#include "rounds.h"
#include "tarn/tarn.h"

enum { MOST = 300, COUNT = MOST * MOST * 2 };

static uint64_t state = 88172645463325252u;

static int64_t random_below(int64_t n) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (int64_t)((state >> 33) % (uint64_t)n);
}

static int64_t random_size(void) {
    static const int64_t sizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 27, 28, 29, 31, 32, 33, 65, 127, 128, 129, 150};
    return sizes[random_below(sizeof sizes / sizeof *sizes)];
}

/* A matrix of numbers, and where its element (i, j) stands in them. */
typedef struct {
    tarn_array *array;
    double complex numbers[COUNT];
    int64_t row_step, column_step;
} matrix;

static tarn_array *array_of(const double complex *numbers, int64_t count, tarn_dtype dtype) {
    static double real[COUNT];
    static float complex small[COUNT];
    for (int64_t i = 0; i < count; i++) {
        real[i] = creal(numbers[i]);
        small[i] = (float complex)numbers[i];
    }
    tarn_ints shape = TARN_SHAPE(count);
    return dtype == TARN_FLOAT64 ? tarn_from_data(real, shape, dtype) : tarn_from_data(small, shape, dtype);
}

/* kind 0: rows dense, 1: columns dense, 2: every other number of a row. */
static void fill(matrix *m, int64_t rows, int64_t columns, int kind, tarn_dtype dtype) {
    int64_t apart = kind == 2 ? 2 : 1, count = rows * columns * apart;
    for (int64_t i = 0; i < count; i++) { /* whole numbers of both dtypes */
        double real = (double)(random_below(2001) - 1000) / 1024,
               imaginary = (double)(random_below(2001) - 1000) / 1024;
        m->numbers[i] = dtype == TARN_FLOAT64 ? real : __builtin_complex(real, imaginary);
    }
    m->row_step = kind == 1 ? 1 : columns * apart;
    m->column_step = kind == 1 ? rows : apart;
    tarn_array *flat = array_of(m->numbers, count, dtype);
    m->array = tarn_as_strided(flat, TARN_SHAPE(rows, columns), TARN_SHAPE(m->row_step, m->column_step));
}

static matrix a, b;

static UNWATCHED double complex expected_at(int64_t i, int64_t j, int64_t k) {
    long double complex sum = 0;
    for (int64_t d = 0; d < k; d++)
        sum += (long double complex)a.numbers[i * a.row_step + d * a.column_step] *
               b.numbers[d * b.row_step + j * b.column_step];
    return (double complex)sum;
}

static void check_product(tarn_dtype dtype) {
    TARN_SCOPE;
    static double complex out[MOST * MOST];
    static double real[MOST * MOST];
    static float complex small[MOST * MOST];
    int64_t m = random_size(), n = random_size(), k = random_below(20) ? random_size() : 0;
    fill(&a, m, k, (int)random_below(3), dtype);
    fill(&b, k, n, (int)random_below(3), dtype);
    tarn_array *product = tarn_matmul(a.array, b.array);
    bool wide = dtype == TARN_FLOAT64;
    CHECK(tarn_read(product, wide ? (void *)real : (void *)small, (size_t)(m * n) * 8));
    double worst = 0;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            out[i * n + j] = wide ? real[i * n + j] : (double complex)small[i * n + j];
            worst = fmax(worst, cabs(out[i * n + j] - expected_at(i, j, k)));
        }
    double allowed = (wide ? 0x1p-52 : 0x1p-23) * (double)(k + 1);
    CHECK(worst <= allowed);
    if (worst > allowed)
        fprintf(stderr, "%lld x %lld x %lld: off by %g\n", (long long)m, (long long)k, (long long)n, worst);
}

int main(void) {
    for (const cpu_level *level = cpu_levels; level < cpu_levels + CPU_LEVELS; level++)
        for (int i = 0; cpu_limit(level) && i < rounds(60); i++) {
            check_product(TARN_FLOAT64);
            check_product(TARN_COMPLEX64);
        }
    return check_report("matmul_wide");
}
