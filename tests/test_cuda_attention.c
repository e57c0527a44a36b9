/* The gradient of attention on a CUDA device against its formula in double, in all cases of attention_cases.h and some
   that make many blocks; rows at odd addresses; each gradient by itself has the bits it has beside the others. Skips
   where there is no device. */
#include "attention_gradients.h"
#include "cuda_device.h"

/* Of what was added: weights and the gradients of scores are rounded to the dtype where they are multiplied. */
static double closeness(tarn_dtype dtype) {
    return dtype == TARN_BFLOAT16 ? ldexp(1, -8) : ldexp(1, -11);
}

static bool is_taken(const attention_case *t) {
    return t->dim <= 128 && t->value_dim <= 128;
}

static void test_case(attention_case t, tarn_dtype dtype, bool shifted) {
    if (!is_taken(&t)) return;
    operand in[INPUTS] = {{0}}, out[OUTPUTS];
    make_inputs(&t, dtype, in);
    operand g = projected(dtype, t.batch, t.heads, t.length, t.value_dim);
    if (shifted) g = moved_on(g, 1); /* nothing lies at a multiple of 16 bytes */
    run_gradient(&t, in, g, out, all, run_on_cuda);
    expectation e = expect(&t, in, &g);
    for (int i = 0; i < OUTPUTS; i++) expect_near(&t, &out[i], &e, i, closeness(dtype));
    release(&e);
}

static void test_same_bits(tarn_dtype dtype) {
    attention_case t = {1, 4, 2, 300, 200, 64, 64, .causal = true};
    operand in[INPUTS] = {{0}}, out[OUTPUTS], alone[OUTPUTS];
    make_inputs(&t, dtype, in);
    operand g = projected(dtype, t.batch, t.heads, t.length, t.value_dim);
    run_gradient(&t, in, g, out, all, run_on_cuda);
    for (int i = 0; i < OUTPUTS; i++) {
        run_gradient(&t, in, g, alone, (bool[]){i == Q, i == K, i == V}, run_on_cuda);
        CHECK(same_bits(&out[i], &alone[i]), "the gradient of %c differs alone", "qkv"[i]);
    }
    for (int i = 0; i < OUTPUTS; i++) free(numbers[i]);
}

int main(void) {
    static const tarn_dtype dtypes[] = {TARN_BFLOAT16, TARN_FLOAT16};
    if (!open_cuda()) return failures ? 1 : 77;
    random_begin("cuda attention");
    for (int d = 0; d < 2; d++) {
        for (int i = 0; i < ATTENTION_CASES; i++) test_case(attention_case_at(i), dtypes[d], i % 7 == 3);
        test_case((attention_case){1, 2, 1, 260, 2300, 64, 32, .causal = true}, dtypes[d], false);
        test_case((attention_case){2, 8, 8, 140, 140, 32, 64, .causal = true}, dtypes[d], true);
        test_case((attention_case){1, 3, 1, 700, 700, 128, 128, .causal = true, .window = 130}, dtypes[d], false);
        test_case((attention_case){1, 2, 2, 300, 70, 128, 128, .causal = true}, dtypes[d], false);
        test_case((attention_case){2, 4, 2, 130, 500, 96, 128, .lengths = true, .mask = 2}, dtypes[d], false);
        test_case((attention_case){1, 1, 1, 1, 1, 8, 8, .causal = true}, dtypes[d], false);
        test_same_bits(dtypes[d]);
    }
    cuda->stream_free(cuda_stream);
    printf("cuda attention: %d checks, %d failures\n", checks, failures);
    return failures != 0;
}
