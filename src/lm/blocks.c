/* What the layers compute, in array operations. */
#include "lm/blocks.h"

#include <math.h>

#include "lm/activations.h"

tarn_array *linear_forward(const linear *m, tarn_array *x) {
    tarn_array *y = m->scales ? tarn_quantized_matmul(x, m->weight, m->scales, .biases = m->biases,
                                                      .group_size = m->quantized.group_size, .bits = m->quantized.bits)
                              : tarn_matmul(x, tarn_swapaxes(m->weight, 0, 1));
    return m->bias ? tarn_add(y, m->bias) : y;
}

tarn_array *embedding_forward(const linear *m, tarn_array *ids) {
    tarn_array *rows = tarn_take(m->weight, ids, .axis = TARN_AXIS(0));
    if (!m->scales) return rows;
    return tarn_dequantize(rows, tarn_take(m->scales, ids, .axis = TARN_AXIS(0)),
                           .biases = tarn_take(m->biases, ids, .axis = TARN_AXIS(0)),
                           .group_size = m->quantized.group_size, .bits = m->quantized.bits);
}

/* [batch, length, heads * dim] -> [batch, length, heads, dim], normed along dim if there is a norm, -> [batch, heads,
 * length, dim] */
static tarn_array *split_heads(const forward_state *f, tarn_array *x, int64_t heads, tarn_array *norm) {
    x = tarn_unflatten(x, -1, TARN_SHAPE(heads, f->config->head_dim));
    if (norm) x = tarn_rms_norm(x, norm, .eps = TARN_VALUE(f->config->eps));
    return tarn_swapaxes(x, 1, 2);
}

static tarn_array *rotate(const forward_state *f, tarn_array *x) {
    const rope_config *rope = &f->config->rope;
    return tarn_rope(x, f->position, .dims = rope->dims, .base = TARN_VALUE(rope->base),
                     .scale = TARN_VALUE(rope->scale), .freqs = f->weights->periods);
}

/* x multiplied by each of the parts: at once, where they were joined. */
static void linears_forward(const linear *whole, const linear *const parts[], int count, tarn_array *x,
                            tarn_array **out) {
    tarn_array *all = whole->weight ? linear_forward(whole, x) : NULL;
    for (int64_t i = 0, at = 0; i < count; i++) {
        int64_t rows = tarn_dim(parts[i]->weight, 0);
        out[i] = all ? tarn_slice_axis(all, -1, at, at + rows) : linear_forward(parts[i], x);
        at += rows;
    }
}

bool layer_is_for_last(const forward_state *f, int64_t layer) {
    return f->last_only && layer == f->config->layers - 1;
}

tarn_array *last_along(tarn_array *x, int axis) {
    return tarn_slice_axis(x, axis, -1, INT64_MAX);
}

tarn_array *attention_forward(const forward_state *f, int64_t layer, tarn_array *x) {
    const model_config *c = f->config;
    const attention_weights *m = &f->weights->layers[layer].attention;
    tarn_array *qkv[3];
    linears_forward(&m->qkv, (const linear *const[]){&m->q, &m->k, &m->v}, 3, x, qkv);
    tarn_array *q = rotate(f, split_heads(f, qkv[0], c->heads, m->q_norm));
    tarn_array *k = rotate(f, split_heads(f, qkv[1], c->kv_heads, m->k_norm));
    tarn_array *v = split_heads(f, qkv[2], c->kv_heads, NULL);
    k = kv_cache_write(f->cache, 2 * layer, k, f->position);
    v = kv_cache_write(f->cache, 2 * layer + 1, v, f->position);
    if (layer_is_for_last(f, layer)) q = last_along(q, 2);
    /* q and k are each to be multiplied by the attention factor: once here is the same */
    double scale = c->rope.attention_factor * c->rope.attention_factor / sqrt((double)c->head_dim);
    tarn_array *y = tarn_attention(q, k, v, .scale = TARN_VALUE(scale), .causal = true, .window = c->windows[layer],
                                   .length = f->length);
    return linear_forward(&m->o,
                          tarn_flatten(tarn_swapaxes(y, 1, 2), .start_axis = TARN_AXIS(2), .end_axis = TARN_AXIS(3)));
}

cache_kind attention_cache(const model_config *config, int64_t layer) {
    (void)layer;
    return (cache_kind){config->kv_heads, config->head_dim, config->head_dim};
}

tarn_array *mlp_forward(const forward_state *f, const mlp_weights *m, tarn_array *x) {
    tarn_array *gate_up[2];
    linears_forward(&m->gate_up, (const linear *const[]){&m->gate, &m->up}, 2, x, gate_up);
    return linear_forward(&m->down, tarn_multiply(f->config->activation->apply(gate_up[0]), gate_up[1]));
}
