/* What evaluation itself costs: one small op made, evaluated and dropped; a kernel of a replayed plan; and two streams
   that sort one array, beside two arrays. Prints medians of several rounds, the load of the machine, and how fast its
   cores were before and after each of the first two. */
#include <stdio.h>

#include "base/cpu.h"
#include "tarn/tarn.h"
#include "timing.h"

enum { ROUNDS = 21, EAGER = 2000, REPLAYS = 50, KERNELS = 200, SORT_ROUNDS = 9, SORTED = 8 << 20 };

static tarn_array *numbers(int64_t count) {
    return tarn_random_uniform(tarn_random_key(1), TARN_SHAPE(count), TARN_FLOAT32, .low = TARN_VALUE(-1),
                               .high = TARN_VALUE(1));
}

static void print_core(core_speed before) {
    core_speed after = measured_core();
    printf("                        cores at %.2f, then %.2f GHz; %.1f, then %.1f operations/ns\n", before.gigahertz,
           after.gigahertz, before.operations, after.operations);
}

static void bench_eager(void) {
    TARN_SCOPE;
    core_speed core = measured_core();
    double made[ROUNDS], computed[ROUNDS];
    tarn_array *a = numbers(16), *b = numbers(16);
    tarn_eval(a, b);
    for (int r = 0; r < ROUNDS; r++) {
        double begin = microseconds();
        for (int i = 0; i < EAGER; i++) {
            TARN_SCOPE;
            tarn_add(a, b);
        }
        made[r] = (microseconds() - begin) / EAGER;
        begin = microseconds();
        for (int i = 0; i < EAGER; i++) {
            TARN_SCOPE;
            tarn_eval(tarn_add(a, b));
        }
        computed[r] = (microseconds() - begin) / EAGER;
    }
    printf("a + b of 16 floats      made and dropped %.2f us, made, evaluated and dropped %.2f us\n",
           median(made, ROUNDS), median(computed, ROUNDS));
    print_core(core);
}

static bool small_kernels(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)context, (void)count;
    tarn_array *x = inputs[0];
    for (int i = 0; i < KERNELS / 2; i++) x = tarn_sort(tarn_softmax(x));
    return tarn_result(results, x);
}

static void bench_replay(void) {
    TARN_SCOPE;
    double times[ROUNDS];
    tarn_array *x = numbers(4);
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(small_kernels, NULL));
    tarn_eval(x);
    core_speed core = measured_core();
    for (int r = 0; r < ROUNDS; r++) {
        double begin = microseconds();
        for (int i = 0; i < REPLAYS; i++) {
            TARN_SCOPE;
            tarn_eval(tarn_results_at(tarn_compiled_call(c, &x, 1), 0));
        }
        times[r] = (microseconds() - begin) / (REPLAYS * KERNELS);
    }
    printf("a replayed plan         %.3f us a kernel (softmax or sort of 4 floats, computed)\n", median(times, ROUNDS));
    print_core(core);
    tarn_compiled_free(c);
}

static double sort_on_two_streams(tarn_array *x, tarn_array *y, tarn_stream *const *streams) {
    TARN_SCOPE;
    tarn_array *sorted, *order;
    {
        TARN_ON(streams[0]);
        sorted = tarn_sort(x);
    }
    {
        TARN_ON(streams[1]);
        order = tarn_argsort(y);
    }
    double begin = microseconds();
    tarn_eval(sorted, order);
    return microseconds() - begin;
}

static void bench_streams(void) {
    TARN_SCOPE;
    tarn_device cpu = {TARN_CPU, 0};
    tarn_stream *streams[] = {tarn_stream_new(cpu), tarn_stream_new(cpu)};
    tarn_array *x = numbers(SORTED), *y = tarn_negative(x);
    double one[SORT_ROUNDS], two[SORT_ROUNDS];
    tarn_eval(x, y);
    for (int r = 0; r < SORT_ROUNDS; r++) {
        two[r] = sort_on_two_streams(x, y, streams);
        one[r] = sort_on_two_streams(x, x, streams);
    }
    double shared = median(one, SORT_ROUNDS), apart = median(two, SORT_ROUNDS);
    printf("sort and argsort, 8 M   one array %.0f ms, two arrays %.0f ms: %.2f x\n", shared / 1e3, apart / 1e3,
           shared / apart);
    for (int i = 0; i < 2; i++) tarn_stream_free(streams[i]);
}

int main(void) {
    double load = 0;
    if (getloadavg(&load, 1) != 1) load = -1;
    printf("%s, %d threads, load %.2f\n", cpu_model_name(), cpu_thread_count(), load);
    bench_eager();
    bench_replay();
    bench_streams();
    if (tarn_ok()) return 0;
    fprintf(stderr, "%s\n", tarn_error());
    return 1;
}
