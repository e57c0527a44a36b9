/* The gradient of attention on the CPU against its formula in double, in all cases of attention_cases.h; heads in
   slices; more keys than scores are kept of; the same bits whatever the number of threads. */
#include "attention_gradients.h"
#include "base/threads.h"
#include "rounds.h"

static bool run_on_cpu(call c) {
    return run_call(&backend_cpu, c);
}

/* Of what was added: factors are rounded to bfloat16 where tiles multiply them, and errors of scores grow with the
 * head. */
static double closeness(const attention_case *t, tarn_dtype dtype) {
    return dtype == TARN_BFLOAT16 ? ldexp(1, -8) : 4e-6 * (1 + (double)t->dim / 64);
}

static void test_case(attention_case t, tarn_dtype dtype) {
    operand in[INPUTS], out[OUTPUTS];
    make_inputs(&t, dtype, in);
    operand g = projected(dtype, t.batch, t.heads, t.length, t.value_dim);
    run_gradient(&t, in, g, out, all, run_on_cpu);
    expectation e = expect(&t, in, &g);
    for (int i = 0; i < OUTPUTS; i++) expect_near(&t, &out[i], &e, i, closeness(&t, dtype));
    release(&e);
}

/* Each gradient by itself, and on one thread, has the bits it has beside the others. */
static void test_same_bits(tarn_dtype dtype) {
    attention_case t = {1, 4, 2, 300, 200, 64, 64, .causal = true};
    operand in[INPUTS], out[OUTPUTS], alone[OUTPUTS];
    make_inputs(&t, dtype, in);
    operand g = projected(dtype, t.batch, t.heads, t.length, t.value_dim);
    run_gradient(&t, in, g, out, all, run_on_cpu);
    parallel_set_threads(1);
    for (int i = 0; i < OUTPUTS; i++) {
        run_gradient(&t, in, g, alone, (bool[]){i == Q, i == K, i == V}, run_on_cpu);
        CHECK(same_bits(&out[i], &alone[i]), "the gradient of %c differs alone", "qkv"[i]);
    }
    parallel_set_threads(0);
    for (int i = 0; i < OUTPUTS; i++) free(numbers[i]);
}

int main(void) {
    static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_FLOAT16, TARN_BFLOAT16};
    for (int level = 0; level < 4; level++) {
        if (!use_level(level)) continue;
        parallel_set_threads(level == 1 ? 3 : 0);
        for (int d = 0; d < 3; d++) {
            for (int i = 0; i < ATTENTION_CASES; i++)
                if (in_rounds()) test_case(attention_case_at(i), dtypes[d]);
            if (in_rounds()) test_case((attention_case){1, 2, 1, 260, 2300, 64, 32, .causal = true}, dtypes[d]);
            if (in_rounds()) test_case((attention_case){2, 8, 8, 140, 140, 32, 64, .causal = true}, dtypes[d]);
            test_case((attention_case){1, 1, 1, 1, 1, 8, 8, .causal = true}, dtypes[d]);
            test_same_bits(dtypes[d]);
        }
        printf("%d checks, %d failures\n", checks, failures);
    }
    return failures != 0;
}
