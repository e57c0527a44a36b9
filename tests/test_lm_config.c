/* config.json: what is read, what is refused and with which words; stop strings. */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "base/memory.h"
#include "base/text.h"
#include "lm/activations.h"
#include "lm/config.h"
#include "lm/stopper.h"

#define SIZES                                                                                                          \
    "\"hidden_size\": 64, \"intermediate_size\": 128, \"num_hidden_layers\": 3, \"num_attention_heads\": 4, "          \
    "\"vocab_size\": 160, "                                                                                            \
    "\"num_key_value_heads\": 2"

#define OTHER_SIZES(hidden, heads)                                                                                     \
    "\"hidden_size\": " #hidden                                                                                        \
    ", \"intermediate_size\": 128, \"num_hidden_layers\": 3, \"num_attention_heads\": " #heads                         \
    ", \"vocab_size\": 160, \"num_key_value_heads\": 1"

static bool parse(model_config *config, const char *source) {
    return config_parse(config, source, strlen(source), "config.json");
}

static bool refused(const char *source, const char *words) {
    model_config config;
    bool failed =
        !parse(&config, source) && tarn_error() && strstr(tarn_error(), words) && strstr(tarn_error(), "config.json");
    if (!failed)
        fprintf(stderr, "%s: expected \"%s\", got %s\n", source, words, tarn_error() ? tarn_error() : "no error");
    tarn_clear_error();
    config_free(&config);
    return failed;
}

static void test_families(void) {
    CHECK(refused("{}", "\"model_type\" is missing"));
    CHECK(refused("[]", "not a JSON object"));
    CHECK(refused("{\"model_type\": 3}", "must be a string"));
    CHECK(refused("{\"model_type\": \"llama\\u0000x\"}", "must be a string"));
    CHECK(refused("{\"model_type\": \"qwen3_moe\"}",
                  "\"qwen3_moe\" is not supported; supported are llama, mistral, qwen2, qwen3, phi3"));
}

/* -1 names no token, alone and in a list. */
static void test_end_tokens(void) {
    model_config c;
    CHECK(parse(&c, "{\"model_type\": \"llama\", " SIZES ", \"eos_token_id\": -1}") && c.end_token_count == 0);
    config_free(&c);
    CHECK(parse(&c, "{\"model_type\": \"llama\", " SIZES ", \"eos_token_id\": [7, -1, 0]}") && c.end_token_count == 2 &&
          c.end_tokens[1] == 0);
    config_free(&c);
    CHECK(refused("{\"model_type\": \"llama\", " SIZES ", \"eos_token_id\": -2}", "\"eos_token_id\" must be"));
    CHECK(refused("{\"model_type\": \"llama\", " SIZES ", \"eos_token_id\": \"</s>\"}", "\"eos_token_id\" must be"));
}

static void test_sizes(void) {
    CHECK(refused("{\"model_type\": \"llama\"}", "\"vocab_size\" is missing"));
    CHECK(refused("{\"model_type\": \"llama\", " SIZES ", \"head_dim\": 15}", "must be even"));
    CHECK(refused("{\"model_type\": \"llama\", " SIZES ", \"head_dim\": -2}", "\"head_dim\" must be an integer"));
    CHECK(refused("{\"model_type\": \"llama\", \"hidden_size\": 1e3}", "\"vocab_size\" is missing"));
    CHECK(refused("{\"model_type\": \"llama\", \"vocab_size\": 99999999999999}", "\"vocab_size\" must be an integer"));
    CHECK(refused("{\"model_type\": \"llama\", \"vocab_size\": \"160\"}", "\"vocab_size\" must be an integer"));
    CHECK(refused("{\"model_type\": \"llama\", " SIZES ", \"hidden_act\": \"mish\"}",
                  "\"hidden_act\" \"mish\" is not supported; supported are silu, swish, relu, gelu, gelu_new, "
                  "gelu_pytorch_tanh"));
    CHECK(refused("{\"model_type\": \"llama\", " SIZES ", \"hidden_act\": 3}", "\"hidden_act\" must be a string"));
    CHECK(refused("{\"model_type\": \"llama\", " SIZES ", \"rms_norm_eps\": \"x\"}",
                  "\"rms_norm_eps\" must be a number"));
    CHECK(refused("{\"model_type\": \"llama\", " SIZES ", \"mlp_bias\": 1}", "\"mlp_bias\" must be true or false"));
    model_config c;
    CHECK(parse(&c, "{\"model_type\": \"llama\", " SIZES "}"));
    CHECK(c.head_dim == 16 && c.kv_heads == 2 && c.positions == 2048 && !c.has_tie && c.eps == 1e-6);
    CHECK(!config_has(&c, QKV_BIAS) && !config_has(&c, QK_NORM));
    config_free(&c);
    CHECK(parse(&c, "{\"model_type\": \"qwen3\", " SIZES ", \"attention_bias\": true}"));
    CHECK(c.head_dim == 128 && config_has(&c, QKV_BIAS) && config_has(&c, O_BIAS) && config_has(&c, QK_NORM) &&
          !config_has(&c, MLP_BIAS));
    config_free(&c);
    CHECK(parse(&c, "{\"model_type\": \"qwen2\", " SIZES "}") && config_has(&c, QKV_BIAS) && !config_has(&c, O_BIAS));
    config_free(&c);
    /* heads that do not fill the hidden size: rounded down, as transformers does */
    CHECK(parse(&c, "{\"model_type\": \"mistral\", " OTHER_SIZES(71, 5) "}") && c.head_dim == 14);
    config_free(&c);
    CHECK(refused("{\"model_type\": \"mistral\", " OTHER_SIZES(62, 4) "}", "\"head_dim\" 15 must be even"));
    CHECK(refused("{\"model_type\": \"mistral\", " OTHER_SIZES(3, 4) "}",
                  "\"hidden_size\" 3 is less than \"num_attention_heads\" 4"));
}

/* The windows of the three layers as one number, 0 if parsing failed. */
static int64_t windows(const char *source) {
    model_config c;
    int64_t sum = -1;
    if (parse(&c, source)) sum = c.windows[0] * 10000 + c.windows[1] * 100 + c.windows[2];
    config_free(&c);
    return sum;
}

static void test_windows(void) {
    CHECK(windows("{\"model_type\": \"mistral\", " SIZES ", \"sliding_window\": 8}") == 80808);
    CHECK(windows("{\"model_type\": \"mistral\", " SIZES ", \"sliding_window\": null}") == 0);
    CHECK(windows("{\"model_type\": \"mistral\", " SIZES "}") == 4096 * 10101);
    CHECK(windows("{\"model_type\": \"llama\", " SIZES ", \"sliding_window\": 8}") == 0);
    CHECK(windows("{\"model_type\": \"phi3\", " SIZES "}") == 0);
    CHECK(windows("{\"model_type\": \"phi3\", " SIZES ", \"sliding_window\": 8}") == 80808);
    CHECK(windows("{\"model_type\": \"qwen2\", " SIZES ", \"sliding_window\": 8}") == 0);
    CHECK(windows("{\"model_type\": \"qwen2\", " SIZES
                  ", \"sliding_window\": 8, \"use_sliding_window\": true, \"max_window_layers\": 1}") == 808);
    CHECK(windows("{\"model_type\": \"qwen3\", " SIZES
                  ", \"sliding_window\": 8, \"use_sliding_window\": true, \"layer_types\": "
                  "[\"sliding_attention\", \"full_attention\", \"full_attention\"]}") == 80000);
    CHECK(refused("{\"model_type\": \"qwen3\", " SIZES ", \"layer_types\": [\"full_attention\"]}",
                  "\"layer_types\" must be a list"));
    CHECK(refused("{\"model_type\": \"qwen3\", " SIZES
                  ", \"layer_types\": [\"full_attention\", \"linear\", \"full_attention\"]}",
                  "\"layer_types\"[1]"));
}

static void test_quantization(void) {
    model_config c;
    quantization q;
    bool given;
    CHECK(parse(&c, "{\"model_type\": \"llama\", " SIZES
                    ", \"quantization\": {\"group_size\": 64, \"bits\": 4, \"mode\": \"affine\", "
                    "\"model.layers.0.mlp.up_proj\": {\"bits\": 6, \"group_size\": 32}, \"lm_head\": false, "
                    "\"model.embed_tokens\": true}}"));
    CHECK(config_quantization(&c, "model.layers.0.mlp.up_proj", &q, &given) && given && q.bits == 6 &&
          q.group_size == 32);
    CHECK(config_quantization(&c, "lm_head", &q, &given) && given && q.bits == 0);
    CHECK(config_quantization(&c, "model.embed_tokens", &q, &given) && given && q.bits == 4 && q.group_size == 64);
    CHECK(config_quantization(&c, "model.layers.1.mlp.up_proj", &q, &given) && !given && q.bits == 4);
    config_free(&c);
    CHECK(refused("{\"model_type\": \"llama\", " SIZES
                  ", \"quantization\": {\"group_size\": 32, \"bits\": 4, \"mode\": \"mxfp4\"}}",
                  "mxfp4 is not supported"));
    CHECK(
        refused("{\"model_type\": \"llama\", " SIZES ", \"quantization\": {\"group_size\": 32, \"bits\": 7}}", "bits"));
    CHECK(refused("{\"model_type\": \"llama\", " SIZES ", \"quantization\": {\"group_size\": 48, \"bits\": 4}}",
                  "group_size"));
    CHECK(refused("{\"model_type\": \"llama\", " SIZES
                  ", \"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4}}",
                  "gptq"));
}

/* ---- rotary scaling: expected periods are those of transformers for head_dim 16 */

static void test_rope(void) {
    model_config c;
    CHECK(parse(&c, "{\"model_type\": \"llama\", " SIZES ", \"rope_theta\": 500000.0}") && c.rope.base == 500000 &&
          !c.rope.periods);
    config_free(&c);
    CHECK(
        parse(&c, "{\"model_type\": \"llama\", " SIZES ", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 4}}") &&
        c.rope.scale == 0.25);
    config_free(&c);
    CHECK(parse(&c, "{\"model_type\": \"llama\", " SIZES
                    ", \"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 4, \"rope_theta\": 5e5}}"));
    CHECK(c.rope.scale == 0.25 && c.rope.base == 500000);
    config_free(&c);
    CHECK(parse(&c, "{\"model_type\": \"llama\", " SIZES
                    ", \"rope_parameters\": {\"factor\": 4.0, \"original_max_position_embeddings\": 64, "
                    "\"rope_theta\": 10000.0, \"rope_type\": \"yarn\"}}"));
    CHECK(fabs(c.rope.attention_factor - (0.1 * log(4) + 1)) < 1e-12 && c.rope.periods && c.rope.periods[0] == 1);
    config_free(&c);
    CHECK(parse(&c, "{\"model_type\": \"llama\", " SIZES
                    ", \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, "
                    "\"high_freq_factor\": 4, \"original_max_position_embeddings\": 32}, \"rope_theta\": 500000}"));
    CHECK(c.rope.periods && c.rope.periods[0] == 1 &&
          fabs(c.rope.periods[7] / (8 * pow(500000, 14.0 / 16)) - 1) < 1e-6);
    config_free(&c);
    CHECK(parse(&c, "{\"model_type\": \"qwen3\", " SIZES
                    ", \"rope_parameters\": {\"full_attention\": {\"rope_theta\": 1e6, \"rope_type\": "
                    "\"default\"}, \"sliding_attention\": {\"rope_theta\": 1e6, \"rope_type\": \"default\"}}}") &&
          c.rope.base == 1e6);
    config_free(&c);
    CHECK(refused("{\"model_type\": \"qwen3\", " SIZES
                  ", \"rope_parameters\": {\"full_attention\": {\"rope_theta\": 1e6}, "
                  "\"sliding_attention\": {\"rope_theta\": 1e4}}}",
                  "differ between layer types"));
    CHECK(refused("{\"model_type\": \"llama\", " SIZES ", \"rope_scaling\": {\"type\": \"longrope\"}}",
                  "\"longrope\" is not supported"));
    CHECK(refused("{\"model_type\": \"llama\", " SIZES ", \"rope_scaling\": {\"type\": \"linear\"}}",
                  "\"rope_scaling.factor\" is missing"));
    CHECK(refused("{\"model_type\": \"llama\", " SIZES ", \"rope_scaling\": 3}", "\"rope_scaling\" must be an object"));
    CHECK(refused("{\"model_type\": \"llama\", " SIZES ", \"partial_rotary_factor\": 0.5}",
                  "\"partial_rotary_factor\" other than 1 is not supported for model_type \"llama\""));
    CHECK(refused("{\"model_type\": \"phi3\", " SIZES ", \"partial_rotary_factor\": 0.2}", "no even number above 0"));
    CHECK(parse(&c, "{\"model_type\": \"phi3\", " SIZES ", \"partial_rotary_factor\": 0.5}") && c.rope.dims == 8 &&
          c.eps == 1e-5);
    config_free(&c);
    CHECK(parse(&c, "{\"model_type\": \"phi3\", " SIZES
                    ", \"rope_parameters\": {\"partial_rotary_factor\": 0.75, \"rope_type\": \"default\"}}") &&
          c.rope.dims == 12);
    config_free(&c);
}

/* ---- stop strings */

/* Pushes the pieces one by one; what was shown at each push, joined by '|', must be `expected`. */
static bool shows(const char *const *stops, int count, const char *const *pieces, const char *expected) {
    stopper s = {.stops = stops, .count = count};
    text shown = {0};
    for (int i = 0; pieces[i] && !s.stopped; i++) {
        stopper_push(&s, pieces[i], strlen(pieces[i]));
        size_t certain = stopper_certain(&s, false);
        text_append(&shown, s.all.bytes + s.shown, certain - s.shown);
        text_add(&shown, "|");
        s.shown = certain;
    }
    text_append(&shown, s.all.bytes + s.shown, stopper_certain(&s, true) - s.shown);
    bool same = !strcmp(text_string(&shown), expected);
    if (!same) fprintf(stderr, "shown \"%s\", expected \"%s\"\n", text_string(&shown), expected);
    text_free(&shown);
    stopper_free(&s);
    return same;
}

static void test_stops(void) {
    const char *end[] = {"END", "\n\n"};
    CHECK(shows(end, 2, (const char *[]){"a", "bE", "Nx", "EN", "D", "more", NULL}, "a|b|ENx|||"));
    CHECK(shows(end, 2, (const char *[]){"a\n", "b\n", "\nc", NULL}, "a|\nb||"));
    CHECK(shows(end, 2, (const char *[]){"xEN", NULL}, "x|EN"));
    CHECK(shows(end, 2, (const char *[]){"EEND", NULL}, "E|"));
    CHECK(shows(NULL, 0, (const char *[]){"a", "b", NULL}, "a|b|"));
    CHECK_ERROR(stopper_check((const char *[]){"a", ""}, 2), "stop string 2 is empty");
    CHECK_ERROR(stopper_check((const char *[]){"\xff"}, 1), "not valid UTF-8");
    CHECK_ERROR(stopper_check((const char *[]){"a"}, -1), "-1 stop strings");
}

/* ---- activations: their formulas in double at -1.5, 0.25 and 2 */

static void check_activation(const char *name, const double *expected) {
    TARN_SCOPE;
    const activation *found = activation_find(name);
    tarn_array *y =
        found ? found->apply(tarn_from_data((float[]){-1.5f, 0.25f, 2}, TARN_SHAPE(3), TARN_FLOAT32)) : NULL;
    const float *values = y ? tarn_data(y) : NULL;
    CHECK(values);
    for (int i = 0; values && i < 3; i++) CHECK(fabs((double)values[i] - expected[i]) < 1e-6);
}

static void test_activations(void) {
    check_activation("silu", (const double[]){-0.27363829, 0.14054412, 1.76159416});
    check_activation("swish", (const double[]){-0.27363829, 0.14054412, 1.76159416});
    check_activation("relu", (const double[]){0, 0.25, 2});
    check_activation("gelu", (const double[]){-0.10021080, 0.14967658, 1.95449974});
    check_activation("gelu_new", (const double[]){-0.10042842, 0.14967535, 1.95459769});
    check_activation("gelu_pytorch_tanh", (const double[]){-0.10042842, 0.14967535, 1.95459769});
}

int main(void) {
    test_families();
    test_end_tokens();
    test_sizes();
    test_windows();
    test_quantization();
    test_rope();
    test_stops();
    test_activations();
    return check_report("lm_config");
}
