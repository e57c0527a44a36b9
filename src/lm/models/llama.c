/* Llama and the families that differ from it by flags (models.def): pre-norm decoder layers with rotary grouped-query
   attention and a gated MLP. Touvron et al. 2023, https://arxiv.org/abs/2302.13971. */
#include "lm/blocks.h"

tarn_array *llama_forward(const forward_state *f, tarn_array *ids) {
    tarn_value eps = TARN_VALUE(f->config->eps);
    tarn_array *x = embedding_forward(&f->weights->embedding, ids);
    if (tarn_dtype_of(x) != f->dtype) x = tarn_astype(x, f->dtype);
    for (int64_t i = 0; i < f->config->layers; i++) {
        const layer_weights *layer = &f->weights->layers[i];
        tarn_array *y = attention_forward(f, i, tarn_rms_norm(x, layer->norm_attention, .eps = eps));
        x = tarn_add(layer_is_for_last(f, i) ? last_along(x, 1) : x, y);
        x = tarn_add(x, mlp_forward(f, &layer->mlp, tarn_rms_norm(x, layer->norm_mlp, .eps = eps)));
    }
    return x;
}

/* In float32 where the head is quantized, which costs nothing: half types round logits so coarsely that the best tokens
 * often tie. */
tarn_array *llama_logits(const forward_state *f, tarn_array *x) {
    const model_weights *m = f->weights;
    const linear *head = m->head.weight ? &m->head : &m->embedding;
    x = tarn_rms_norm(x, m->norm, .eps = TARN_VALUE(f->config->eps));
    return linear_forward(head, head->scales ? tarn_astype(x, TARN_FLOAT32) : x);
}

const model_rules rules_llama = {llama_forward, llama_logits, &fields_layer, &fields_model, attention_cache};
