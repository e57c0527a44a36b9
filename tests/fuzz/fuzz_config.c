/* Any bytes as config.json. What is accepted has sizes in range: the products that loading forms cannot overflow, and
   every layer has its window and its quantization. */
#include <math.h>

#include "lm/config.h"
#include "tarn/error.h"
#include "tarn/ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition) __builtin_trap();
}

static void check(const model_config *c) {
    static const char *const paths[] = {"lm_head", "model.embed_tokens", "model.layers.0.self_attn.q_proj"};
    require(c->family && c->layers > 0 && c->heads % c->kv_heads == 0 && c->head_dim % 2 == 0);
    require(c->heads * c->head_dim < INT64_MAX / c->hidden / 4 && c->vocab < INT64_MAX / c->hidden / 4);
    for (int64_t i = 0; i < c->layers; i++) require(c->windows[i] >= 0);
    require(c->activation && c->rope.dims >= 2 && c->rope.dims % 2 == 0 && c->rope.dims <= c->head_dim);
    for (int64_t i = 0; c->rope.periods && i < c->rope.dims / 2; i++) require(!isnan(c->rope.periods[i]));
    for (int i = 0; i < c->end_token_count; i++) require(c->end_tokens[i] >= 0);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        quantization q;
        bool given;
        if (config_quantization(c, paths[i], &q, &given))
            require(!q.bits || tarn_check_quantization("affine", q.group_size, q.bits));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    model_config config;
    tarn_clear_error();
    if (!config_parse(&config, (const char *)data, size, "config.json"))
        require(tarn_error() && !config.document);
    else
        check(&config);
    config_free(&config);
    tarn_clear_error();
    return 0;
}
