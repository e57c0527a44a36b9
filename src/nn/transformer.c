/* Attention with its projections, and the layers of encoders and decoders. */
#include <stdlib.h>

#include "base/require.h"
#include "nn/nn.h"

/* ---- attention */

#define MULTI_HEAD(member) TARN_FIELD_LAYER(tarn_multi_head_attention, member, tarn_linear)
static const tarn_field attention_fields[] = {MULTI_HEAD(query_proj), MULTI_HEAD(key_proj), MULTI_HEAD(value_proj),
                                              MULTI_HEAD(out_proj)};
const tarn_fields tarn_multi_head_attention_fields = {"multi_head_attention", attention_fields, 4,
                                                      sizeof(tarn_multi_head_attention), NULL};

static int64_t or_dims(int64_t size, int64_t dims) {
    return size ? size : dims;
}

bool tarn_multi_head_attention_init_with(tarn_multi_head_attention *m, int64_t dims, int64_t heads, tarn_array **key,
                                         tarn_multi_head_options o) {
    if (!REQUIRE_AS(m, "layer")) return false;
    *m = (tarn_multi_head_attention){.heads = heads};
    int64_t values = or_dims(o.value_dims, dims);
    if (heads < 1 || dims % heads || values % heads)
        return tarn_fail("multi_head_attention: %lld dims and values of %lld in %lld heads", (long long)dims,
                         (long long)values, (long long)heads);
    tarn_layer_options layer = {.no_bias = !o.bias, .dtype = o.dtype};
    return tarn_linear_init_with(&m->query_proj, or_dims(o.query_inputs, dims), dims, key, layer) &&
           tarn_linear_init_with(&m->key_proj, or_dims(o.key_inputs, dims), dims, key, layer) &&
           tarn_linear_init_with(&m->value_proj, or_dims(o.value_inputs, or_dims(o.key_inputs, dims)), values, key,
                                 layer) &&
           tarn_linear_init_with(&m->out_proj, values, or_dims(o.value_outputs, dims), key, layer);
}

/* [batch, length, dims] as [batch, heads, length, dims / heads] */
static tarn_array *split_heads(tarn_array *x, int64_t heads) {
    return tarn_swapaxes(tarn_unflatten(x, -1, TARN_SHAPE(heads, -1)), -2, -3);
}

tarn_array *tarn_multi_head_attention_forward(const tarn_multi_head_attention *m, tarn_array *queries, tarn_array *keys,
                                              tarn_array *values, tarn_array *mask) {
    if (!REQUIRE_AS(m, "layer")) return NULL;
    tarn_array *q = split_heads(tarn_linear_forward(&m->query_proj, queries), m->heads);
    tarn_array *k = split_heads(tarn_linear_forward(&m->key_proj, keys), m->heads);
    tarn_array *v = split_heads(tarn_linear_forward(&m->value_proj, values), m->heads);
    tarn_array *y = tarn_swapaxes(tarn_attention(q, k, v, .mask = mask), -2, -3);
    return tarn_linear_forward(&m->out_proj, tarn_flatten(y, .start_axis = TARN_AXIS(-2)));
}

tarn_array *tarn_causal_mask(int64_t length, tarn_dtype dtype) {
    tarn_float_info info;
    if (!tarn_finfo(dtype, &info)) return NULL;
    tarn_array *places = tarn_arange(0, (double)length, 1, TARN_INT32);
    tarn_array *later = tarn_less(tarn_expand_dims(places, TARN_AXES(1)), places);
    return tarn_multiply(tarn_astype(later, dtype), tarn_scalar(info.min, dtype));
}

/* ---- layers */

#define PART(name, member, type)                                                                                       \
    { name, offsetof(tarn_transformer_layer, member), &type##_fields, false, 0, false }
static const tarn_field encoder_items[] = {
    PART("attention", attention, tarn_multi_head_attention), PART("ln1", ln1, tarn_layer_norm_layer),
    PART("ln2", ln2, tarn_layer_norm_layer), PART("linear1", linear1, tarn_linear),
    PART("linear2", linear2, tarn_linear)};
static const tarn_field decoder_items[] = {PART("self_attention", attention, tarn_multi_head_attention),
                                           PART("cross_attention", cross_attention, tarn_multi_head_attention),
                                           PART("ln1", ln1, tarn_layer_norm_layer),
                                           PART("ln2", ln2, tarn_layer_norm_layer),
                                           PART("ln3", ln3, tarn_layer_norm_layer),
                                           PART("linear1", linear1, tarn_linear),
                                           PART("linear2", linear2, tarn_linear)};
const tarn_fields tarn_encoder_layer_fields = {"encoder_layer", encoder_items, 5, sizeof(tarn_transformer_layer), NULL};
const tarn_fields tarn_decoder_layer_fields = {"decoder_layer", decoder_items, 7, sizeof(tarn_transformer_layer), NULL};

static const tarn_field encoder_stack[] = {TARN_FIELD_LAYERS(tarn_transformer_stack, layers, count, tarn_encoder_layer),
                                           TARN_FIELD_LAYER(tarn_transformer_stack, ln, tarn_layer_norm_layer)};
static const tarn_field decoder_stack[] = {TARN_FIELD_LAYERS(tarn_transformer_stack, layers, count, tarn_decoder_layer),
                                           TARN_FIELD_LAYER(tarn_transformer_stack, ln, tarn_layer_norm_layer)};
const tarn_fields tarn_encoder_fields = {"encoder", encoder_stack, 2, sizeof(tarn_transformer_stack), NULL};
const tarn_fields tarn_decoder_fields = {"decoder", decoder_stack, 2, sizeof(tarn_transformer_stack), NULL};

static bool init_layer(tarn_transformer_layer *m, int64_t dims, int64_t heads, bool decoder, tarn_array **key,
                       const tarn_transformer_options *o) {
    int64_t wide = o->mlp_dims ? o->mlp_dims : 4 * dims;
    m->dropout = o->dropout, m->norm_last = o->norm_last, m->activation = o->activation ? o->activation : tarn_relu;
    if (!(o->dropout >= 0 && o->dropout < 1)) return tarn_fail("transformer: dropout is %g", o->dropout);
    return tarn_multi_head_attention_init(&m->attention, dims, heads, key, .dtype = o->dtype) &&
           (!decoder || tarn_multi_head_attention_init(&m->cross_attention, dims, heads, key, .dtype = o->dtype)) &&
           tarn_layer_norm_init(&m->ln1, dims, .dtype = o->dtype) &&
           tarn_layer_norm_init(&m->ln2, dims, .dtype = o->dtype) &&
           (!decoder || tarn_layer_norm_init(&m->ln3, dims, .dtype = o->dtype)) &&
           tarn_linear_init(&m->linear1, dims, wide, key, .dtype = o->dtype) &&
           tarn_linear_init(&m->linear2, wide, dims, key, .dtype = o->dtype);
}

static bool init_stack(tarn_transformer_stack *s, int count, int64_t dims, int64_t heads, bool decoder,
                       tarn_array **key, const tarn_transformer_options *o) {
    *s = (tarn_transformer_stack){0};
    if (count < 0) return tarn_fail("transformer: %d layers", count);
    s->layers = calloc((size_t)count + 1, sizeof *s->layers); /* tarn_tree_free gives it back */
    if (!s->layers) return tarn_fail("transformer: out of memory");
    s->count = count;
    for (int i = 0; i < count; i++)
        if (!init_layer(&s->layers[i], dims, heads, decoder, key, o)) return false;
    return tarn_layer_norm_init(&s->ln, dims, .dtype = o->dtype);
}

bool tarn_encoder_init_with(tarn_transformer_stack *s, int count, int64_t dims, int64_t heads, tarn_array **key,
                            tarn_transformer_options o) {
    if (!REQUIRE_AS(s, "stack")) return false;
    return init_stack(s, count, dims, heads, false, key, &o);
}
bool tarn_decoder_init_with(tarn_transformer_stack *s, int count, int64_t dims, int64_t heads, tarn_array **key,
                            tarn_transformer_options o) {
    if (!REQUIRE_AS(s, "stack")) return false;
    return init_stack(s, count, dims, heads, true, key, &o);
}

/* ---- what they compute */

typedef struct {
    const tarn_transformer_layer *layer;
    tarn_array *memory, *mask, *memory_mask;
    tarn_array *key; /* of dropout; NULL: none */
} pass;

static tarn_array *dropped(pass *p, tarn_array *y) {
    if (!p->key || p->layer->dropout == 0) return y;
    return tarn_dropout(y, p->layer->dropout, spend_key(&p->key));
}

typedef tarn_array *(*inner)(const pass *p, tarn_array *x);

static tarn_array *self(const pass *p, tarn_array *x) {
    return tarn_multi_head_attention_forward(&p->layer->attention, x, x, x, p->mask);
}
static tarn_array *cross(const pass *p, tarn_array *x) {
    return tarn_multi_head_attention_forward(&p->layer->cross_attention, x, p->memory, p->memory, p->memory_mask);
}
static tarn_array *mlp(const pass *p, tarn_array *x) {
    return p->layer->activation(tarn_linear_forward(&p->layer->linear1, x));
}

/* x plus the inner layer's, normalized before or after. */
static tarn_array *residual(pass *p, tarn_array *x, const tarn_layer_norm_layer *norm, inner f) {
    tarn_array *y = f(p, p->layer->norm_last ? x : tarn_layer_norm_forward(norm, x));
    y = dropped(p, y);
    if (f == mlp) y = tarn_linear_forward(&p->layer->linear2, y);
    y = tarn_add(x, y);
    return p->layer->norm_last ? tarn_layer_norm_forward(norm, y) : y;
}

static tarn_array *stack_forward(const tarn_transformer_stack *s, tarn_array *x, pass p) {
    for (int i = 0; i < s->count; i++) {
        p.layer = &s->layers[i];
        x = residual(&p, x, &p.layer->ln1, self);
        if (p.memory) x = residual(&p, x, &p.layer->ln2, cross);
        x = residual(&p, x, p.memory ? &p.layer->ln3 : &p.layer->ln2, mlp);
    }
    return tarn_layer_norm_forward(&s->ln, x);
}

tarn_array *tarn_encoder_forward(const tarn_transformer_stack *s, tarn_array *x, tarn_array *mask, tarn_array *key) {
    if (!REQUIRE_AS(s, "stack")) return NULL;
    return stack_forward(s, x, (pass){.mask = mask, .key = key});
}

tarn_array *tarn_decoder_forward(const tarn_transformer_stack *s, tarn_array *x, tarn_array *memory, tarn_array *mask,
                                 tarn_array *memory_mask, tarn_array *key) {
    if (!REQUIRE_AS(s, "stack")) return NULL;
    if (!memory) return tarn_fail("decoder: memory is NULL"), NULL;
    return stack_forward(s, x, (pass){.memory = memory, .mask = mask, .memory_mask = memory_mask, .key = key});
}
