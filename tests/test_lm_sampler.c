/* Sampling on small vectors, against values worked out by hand from mlx-lm's rules. */
#include <math.h>

#include "check.h"
#include "lm/sampler.h"

static tarn_array *vector(const float *values, int n) {
    return tarn_from_data(values, TARN_SHAPE(n), TARN_FLOAT32);
}

static bool close_to(tarn_array *a, const float *expected, int n) {
    const float *values = tarn_data(a);
    if (!values || tarn_size(a) != n) return false;
    for (int i = 0; i < n; i++)
        if (values[i] != expected[i] && !(fabsf(values[i] - expected[i]) < 1e-6f)) return false;
    return true;
}

static void test_penalties(void) {
    TARN_SCOPE;
    const float logits[] = {2, -2, 0.5f, 4, -1};
    const int32_t tokens[] = {4, 0, 1, 0};
    tarn_array *x = vector(logits, 5);
    tarn_generate_options none = {0}, repetition = {.repetition_penalty = 2}, presence = {.presence_penalty = 0.5},
                          frequency = {.frequency_penalty = 0.5},
                          recent = {.repetition_penalty = 2, .penalty_context = 2},
                          bias = {.bias_ids = (int32_t[]){3, 1}, .bias_values = (double[]){-10, 1}, .bias_count = 2},
                          all = {.repetition_penalty = 2,
                                 .presence_penalty = 0.5,
                                 .frequency_penalty = 0.25,
                                 .bias_ids = (int32_t[]){0},
                                 .bias_values = (double[]){-4},
                                 .bias_count = 1};
    CHECK(close_to(sampler_penalize(&none, x, tokens, 4), logits, 5));
    CHECK(close_to(sampler_penalize(&repetition, x, tokens, 4), (float[]){1, -4, 0.5f, 4, -2},
                   5)); /* once, though 0 is there twice */
    CHECK(close_to(sampler_penalize(&presence, x, tokens, 4), (float[]){1.5f, -2.5f, 0.5f, 4, -1.5f}, 5));
    CHECK(close_to(sampler_penalize(&frequency, x, tokens, 4), (float[]){1, -2.5f, 0.5f, 4, -1.5f}, 5)); /* 0 twice */
    CHECK(close_to(sampler_penalize(&recent, x, tokens, 4), (float[]){1, -4, 0.5f, 4, -1}, 5));
    CHECK(close_to(sampler_penalize(&repetition, x, tokens, 0), logits, 5));
    CHECK(close_to(sampler_penalize(&bias, x, tokens, 4), (float[]){2, -1, 0.5f, -6, -1}, 5));
    /* token 0: 2 - 4 = -2, times 2 = -4, - 0.5, - 2 * 0.25 */
    CHECK(close_to(sampler_penalize(&all, x, tokens, 4), (float[]){-5, -4.75f, 0.5f, 4, -2.75f}, 5));
}

static void test_filters(void) {
    TARN_SCOPE;
    const float out = -INFINITY, a = logf(0.5f), b = logf(0.3f), c = logf(0.15f), d = logf(0.05f);
    tarn_array *x = vector((float[]){c, a, d, b}, 4);
    tarn_generate_options p = {.top_p = 0.79}, whole = {.top_p = 1}, least = {.top_p = 0.01}, min = {.min_p = 0.2},
                          k = {.top_k = 2}, both = {.top_p = 0.9, .min_p = 0.4, .top_k = 3},
                          strict = {.top_p = 0.9, .top_k = 1};
    CHECK(close_to(sampler_filter(&p, x), (float[]){out, a, out, b}, 4));
    CHECK(close_to(sampler_filter(&whole, x), (float[]){c, a, d, b}, 4));
    CHECK(close_to(sampler_filter(&least, x), (float[]){out, a, out, out}, 4)); /* never nothing */
    CHECK(close_to(sampler_filter(&min, x), (float[]){c, a, out, b}, 4));
    CHECK(close_to(sampler_filter(&k, x), (float[]){out, a, out, b}, 4));
    CHECK(close_to(sampler_filter(&both, x), (float[]){out, a, out, b}, 4));
    CHECK(close_to(sampler_filter(&strict, x), (float[]){out, a, out, out}, 4));
}

static void test_draws(void) {
    TARN_SCOPE;
    tarn_array *logits = vector((float[]){1, 3, 2, -1}, 4);
    tarn_generate_options greedy = {0}, hot = {.temperature = 1, .seed = TARN_SEED(42)},
                          single = {.temperature = 2, .top_k = 1};
    sampler s;
    int32_t token = -1, first[20], counts[4] = {0};
    CHECK(sampler_open(&s, &greedy, 0) && sampler_draw(&s, logits, NULL, 0, &token) && token == 1);
    sampler_close(&s);
    CHECK(sampler_open(&s, &single, 0) && sampler_draw(&s, logits, NULL, 0, &token) && token == 1);
    sampler_close(&s);
    CHECK(sampler_open(&s, &hot, 0));
    for (int i = 0; i < 20; i++) CHECK(sampler_draw(&s, logits, NULL, 0, &first[i]));
    for (int i = 0; i < 400; i++) CHECK(sampler_draw(&s, logits, NULL, 0, &token) && ++counts[token]);
    sampler_close(&s);
    /* softmax: 0.0890, 0.6572, 0.2418, 0.0120 */
    CHECK(counts[1] > 220 && counts[1] < 305 && counts[2] > 60 && counts[2] < 135 && counts[0] > 12 && counts[3] < 20);
    CHECK(sampler_open(&s, &hot, 0)); /* the same seed again */
    for (int i = 0; i < 20; i++) CHECK(sampler_draw(&s, logits, NULL, 0, &token) && token == first[i]);
    sampler_close(&s);
}

static void check_not_finite(float value, double temperature) {
    TARN_SCOPE;
    sampler s;
    int32_t token;
    tarn_generate_options o = {.temperature = temperature, .seed = TARN_SEED(1)};
    CHECK(sampler_open(&s, &o, 0));
    CHECK_ERROR(sampler_draw(&s, vector((float[]){1, value, 3}, 3), NULL, 0, &token), "logits are not finite");
    CHECK(sampler_draw(&s, vector((float[]){-INFINITY, 3, -INFINITY}, 3), NULL, 0, &token) && token == 1);
    sampler_close(&s);
}

static void test_not_finite(void) {
    check_not_finite(NAN, 0);
    check_not_finite(NAN, 0.5);
    check_not_finite(INFINITY, 0);
    check_not_finite(INFINITY, 0.5);
}

static void test_small_temperature(void) {
    TARN_SCOPE;
    sampler s;
    int32_t token;
    tarn_generate_options o = {.temperature = 1e-300, .seed = TARN_SEED(1)};
    CHECK(sampler_open(&s, &o, 0));
    CHECK_ERROR(sampler_draw(&s, vector((float[]){1, 3, 2}, 3), NULL, 0, &token),
                "temperature 1e-300 is too small for logits in float32");
    sampler_close(&s);
}

static void test_refusals(void) {
    CHECK_ERROR(sampler_check(&(tarn_generate_options){.temperature = NAN}, 10), "temperature");
    CHECK_ERROR(sampler_check(&(tarn_generate_options){.top_p = 1.5}, 10), "top_p");
    CHECK_ERROR(sampler_check(&(tarn_generate_options){.min_p = -0.1}, 10), "min_p");
    CHECK_ERROR(sampler_check(&(tarn_generate_options){.top_k = 10}, 10), "top_k");
    CHECK_ERROR(sampler_check(&(tarn_generate_options){.repetition_penalty = -1}, 10), "repetition_penalty");
    CHECK_ERROR(sampler_check(&(tarn_generate_options){.presence_penalty = INFINITY}, 10), "presence_penalty");
    CHECK_ERROR(
        sampler_check(
            &(tarn_generate_options){.bias_ids = (int32_t[]){10}, .bias_values = (double[]){1}, .bias_count = 1}, 10),
        "token id 10");
}

int main(void) {
    test_penalties();
    test_filters();
    test_draws();
    test_not_finite();
    test_small_temperature();
    test_refusals();
    return check_report("lm_sampler");
}
