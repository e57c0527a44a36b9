/* Phi-3: Llama's layers with joined matrices, and perhaps rotary embedding of a part of each head. Abdin et al. 2024,
   https://arxiv.org/abs/2404.14219. */
#include "lm/blocks.h"

const model_rules rules_phi3 = {llama_forward, llama_logits, &fields_layer_joined, &fields_model, attention_cache};
