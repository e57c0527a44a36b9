/* Sampling on small vectors, against values worked out by hand from mlx-lm's rules. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "lm/sampler.h"

static tarn_array *vector(const float *values, int n) {
    return tarn_from_data(values, TARN_SHAPE(n), TARN_FLOAT32);
}

static tarn_array *ids(const int32_t *values, int n) {
    return tarn_from_data(values, TARN_SHAPE(n), TARN_INT32);
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
    tarn_array *x = vector(logits, 5), *recent = ids((int32_t[]){4, 0, 1, 0}, 4), *few = ids((int32_t[]){-1, 1, 0}, 3);
    tarn_generate_options none = {0}, repetition = {.repetition_penalty = 2}, presence = {.presence_penalty = 0.5},
                          frequency = {.frequency_penalty = 0.5},
                          bias = {.bias_ids = (int32_t[]){3, 1}, .bias_values = (double[]){-10, 1}, .bias_count = 2},
                          all = {.repetition_penalty = 2,
                                 .presence_penalty = 0.5,
                                 .frequency_penalty = 0.25,
                                 .bias_ids = (int32_t[]){0},
                                 .bias_values = (double[]){-4},
                                 .bias_count = 1};
    CHECK(close_to(sampler_penalize(&none, x, NULL), logits, 5));
    CHECK(close_to(sampler_penalize(&repetition, x, recent), (float[]){1, -4, 0.5f, 4, -2},
                   5)); /* once, though 0 is there twice */
    CHECK(close_to(sampler_penalize(&presence, x, recent), (float[]){1.5f, -2.5f, 0.5f, 4, -1.5f}, 5));
    CHECK(close_to(sampler_penalize(&frequency, x, recent), (float[]){1, -2.5f, 0.5f, 4, -1.5f}, 5)); /* 0 twice */
    CHECK(close_to(sampler_penalize(&bias, x, NULL), (float[]){2, -1, 0.5f, -6, -1}, 5));
    /* token 0: 2 - 4 = -2, times 2 = -4, - 0.5, - 2 * 0.25 */
    CHECK(close_to(sampler_penalize(&all, x, recent), (float[]){-5, -4.75f, 0.5f, 4, -2.75f}, 5));
    CHECK(close_to(sampler_penalize(&repetition, x, few), (float[]){1, -4, 0.5f, 4, -1}, 5));
    CHECK(close_to(sampler_penalize(&frequency, x, few), (float[]){1.5f, -2.5f, 0.5f, 4, -1}, 5));
}

/* What a step is given: the last token, where it is, the key, and the newest tokens of as many as are wanted. */
static void test_columns(void) {
    const int32_t tokens[] = {4, 0, 1, 7}, plain[] = {7, 3}, hot[] = {7, 3, 5, 6}, one[] = {7, 3, 7},
                  two[] = {7, 3, 5, 6, 1, 7}, padded[] = {7, 3, -1, -1, 4, 0, 1, 7};
    const tarn_seed seed = TARN_SEED((5ull << 32) + 4);
    const struct {
        tarn_generate_options options;
        int64_t context;
        int height;
        const int32_t *expected;
    } cases[] = {{{0}, 100, 2, plain},
                 {{.temperature = 1, .seed = seed}, 100, 4, hot},
                 {{.presence_penalty = 1, .penalty_context = 1}, 100, 3, one},
                 {{.temperature = 1, .seed = seed, .frequency_penalty = -1, .penalty_context = 2}, 100, 6, two},
                 {{.repetition_penalty = 2, .penalty_context = 6}, 100, 8, padded},
                 {{.repetition_penalty = 2}, 6, 8, padded}}; /* no more than there may be tokens */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sampler s;
        int32_t column[8];
        CHECK(sampler_open(&s, &cases[i].options, cases[i].context, 2));
        CHECK(sampler_height(&s) == cases[i].height);
        sampler_fill(&s, tokens, 4, column);
        CHECK(!memcmp(column, cases[i].expected, (size_t)cases[i].height * sizeof *column));
        sampler_close(&s);
    }
    CHECK(sampler_height(NULL) == 2);
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

/* Draws of the same logits, one after the other. */
typedef struct {
    sampler s;
    tarn_array *input; /* of the next one, kept */
} chain;

static bool chain_open(chain *c, const tarn_generate_options *o, uint64_t number) {
    TARN_SCOPE;
    int32_t column[64];
    if (!sampler_open(&c->s, o, 1000, (int64_t)number)) return false;
    sampler_fill(&c->s, &(int32_t){0}, 1, column);
    c->input = tarn_keep(tarn_from_data(column, TARN_SHAPE(sampler_height(&c->s), 1), TARN_INT32));
    return c->input;
}

static void chain_close(chain *c) {
    tarn_drop(c->input);
    sampler_close(&c->s);
}

static bool chain_draw(chain *c, tarn_array *logits, int32_t *token) {
    TARN_SCOPE;
    tarn_array *drawn, *next;
    if (!sampler_draw(&c->s, tarn_expand_dims(logits, TARN_AXES(0)), c->input, &drawn, &next)) return false;
    if (!tarn_eval(next)) return false;
    tarn_drop(c->input);
    c->input = tarn_keep(next);
    *token = (int32_t)tarn_item_int(drawn);
    return *token >= 0 || sampler_fail(&c->s, *token, tarn_dtype_of(logits));
}

static void test_draws(void) {
    TARN_SCOPE;
    tarn_array *logits = vector((float[]){1, 3, 2, -1}, 4);
    tarn_generate_options greedy = {0}, hot = {.temperature = 1, .seed = TARN_SEED(42)},
                          single = {.temperature = 2, .top_k = 1};
    chain c;
    int32_t token = -1, first[20], counts[4] = {0};
    CHECK(chain_open(&c, &greedy, 0) && chain_draw(&c, logits, &token) && token == 1);
    chain_close(&c);
    CHECK(chain_open(&c, &single, 0) && chain_draw(&c, logits, &token) && token == 1);
    chain_close(&c);
    CHECK(chain_open(&c, &hot, 0));
    for (int i = 0; i < 20; i++) CHECK(chain_draw(&c, logits, &first[i]));
    for (int i = 0; i < 400; i++) CHECK(chain_draw(&c, logits, &token) && ++counts[token]);
    CHECK(((const int32_t *)tarn_data(c.input))[INPUT_POSITION] == 420);
    chain_close(&c);
    /* softmax: 0.0890, 0.6572, 0.2418, 0.0120 */
    CHECK(counts[1] > 220 && counts[1] < 305 && counts[2] > 60 && counts[2] < 135 && counts[0] > 12 && counts[3] < 20);
    hot.seed.value = 40;
    CHECK(chain_open(&c, &hot, 2)); /* the same seed again */
    for (int i = 0; i < 20; i++) CHECK(chain_draw(&c, logits, &token) && token == first[i]);
    chain_close(&c);
}

static void check_not_finite(float value, double temperature) {
    TARN_SCOPE;
    chain c;
    int32_t token;
    tarn_generate_options o = {.temperature = temperature, .seed = TARN_SEED(1)};
    CHECK(chain_open(&c, &o, 0));
    CHECK_ERROR(chain_draw(&c, vector((float[]){1, value, 3}, 3), &token), "logits are not finite in float32");
    CHECK(chain_draw(&c, vector((float[]){-INFINITY, 3, -INFINITY}, 3), &token) && token == 1);
    chain_close(&c);
}

static void test_not_finite(void) {
    check_not_finite(NAN, 0);
    check_not_finite(NAN, 0.5);
    check_not_finite(INFINITY, 0);
    check_not_finite(INFINITY, 0.5);
}

static void test_small_temperature(void) {
    TARN_SCOPE;
    chain c;
    int32_t token;
    tarn_generate_options o = {.temperature = 1e-300, .seed = TARN_SEED(1)};
    CHECK(chain_open(&c, &o, 0));
    CHECK_ERROR(chain_draw(&c, vector((float[]){1, 3, 2}, 3), &token),
                "temperature 1e-300 is too small for logits in float32");
    chain_close(&c);
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
    test_columns();
    test_filters();
    test_draws();
    test_not_finite();
    test_small_temperature();
    test_refusals();
    return check_report("lm_sampler");
}
