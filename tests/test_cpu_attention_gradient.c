/* The gradient of attention on the CPU against its formula in double, in all cases of attention_cases.h; heads in
   slices; more keys than scores are kept of; the same bits whatever the number of threads. */
#include "attention_gradients.h"
#include "base/threads.h"
#include "rounds.h"

/* Outputs that are not wanted have no memory. */
static void run_case(const attention_case *t, const operand *in, operand g, operand out[OUTPUTS],
                     const bool wanted[OUTPUTS]) {
    operand inputs[1 + INPUTS] = {g};
    memcpy(inputs + 1, in, INPUTS * sizeof *in);
    for (int i = 0; i < OUTPUTS; i++) {
        out[i] = make(in[i].dtype, (tarn_ints){in[i].shape, 4});
        if (!wanted[i]) free(out[i].data), out[i].data = NULL;
    }
    attributes_attention_gradient a = {.scale = scale, .causal = t->causal, .window = t->window};
    call c = {.op = OP_attention_gradient,
              .attributes = &a,
              .input_count = 1 + INPUTS,
              .inputs = inputs,
              .output_count = OUTPUTS,
              .outputs = out};
    CHECK(run_call(&backend_cpu, c), "%s", tarn_error());
}

static const bool all[OUTPUTS] = {true, true, true};

/* Of what was added: factors are rounded to bfloat16 where tiles multiply them, and errors of scores grow with the
 * head. */
static double closeness(const attention_case *t, tarn_dtype dtype) {
    return dtype == TARN_BFLOAT16 ? ldexp(1, -8) : 4e-6 * (1 + (double)t->dim / 64);
}

static void test_case(attention_case t, tarn_dtype dtype) {
    operand in[INPUTS], out[OUTPUTS];
    make_inputs(&t, dtype, in);
    operand g = projected(dtype, t.batch, t.heads, t.length, t.value_dim);
    run_case(&t, in, g, out, all);
    expectation e = expect(&t, in, &g);
    for (int i = 0; i < OUTPUTS; i++) expect_near(&t, &out[i], &e, i, closeness(&t, dtype));
    release(&e);
}

static bool same(const operand *a, const operand *b) {
    return memcmp(a->data, b->data, (size_t)(operand_size(a) * dtype_bytes(a->dtype))) == 0;
}

/* Each gradient by itself, and on one thread, has the bits it has beside the others. */
static void test_same_bits(tarn_dtype dtype) {
    attention_case t = {1, 4, 2, 300, 200, 64, 64, .causal = true};
    operand in[INPUTS], out[OUTPUTS], alone[OUTPUTS];
    make_inputs(&t, dtype, in);
    operand g = projected(dtype, t.batch, t.heads, t.length, t.value_dim);
    run_case(&t, in, g, out, all);
    parallel_set_threads(1);
    for (int i = 0; i < OUTPUTS; i++) {
        run_case(&t, in, g, alone, (bool[]){i == Q, i == K, i == V});
        CHECK(same(&out[i], &alone[i]), "the gradient of %c differs alone", "qkv"[i]);
    }
    parallel_set_threads(0);
    for (int i = 0; i < OUTPUTS; i++) free(numbers[i]);
}

int main(void) {
    /* With fewer rounds only each so many cases, of each dtype others. */
    int step = ATTENTION_CASES / rounds(ATTENTION_CASES);
    static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_FLOAT16, TARN_BFLOAT16};
    for (int level = 0; level < 4; level++) {
        if (!use_level(level)) continue;
        parallel_set_threads(level == 1 ? 3 : 0);
        for (int d = 0; d < 3; d++) {
            for (int i = d % step; i < ATTENTION_CASES; i += step) test_case(attention_case_at(i), dtypes[d]);
            test_case((attention_case){1, 2, 1, 260, 2300, 64, 32, .causal = true}, dtypes[d]);
            test_case((attention_case){2, 8, 8, 140, 140, 32, 64, .causal = true}, dtypes[d]);
            test_case((attention_case){1, 1, 1, 1, 1, 8, 8, .causal = true}, dtypes[d]);
            test_same_bits(dtypes[d]);
        }
        printf("%d checks, %d failures\n", checks, failures);
    }
    return failures != 0;
}
