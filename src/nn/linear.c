/* Linear layers and embeddings, dense and packed. */
#include <math.h>

#include "base/require.h"
#include "nn/nn.h"

/* ---- a matrix, dense or packed: all that an embedding is */

static bool quantize_embedding(void *layer, const char *mode, int64_t group_size, int64_t bits) {
    tarn_embedding *m = layer;
    tarn_array *packed[3]; /* weight, scales and biases in place of the dense weight */
    if (m->scales) return tarn_fail("quantize: the weight is packed already");
    if (!tarn_quantize(m->weight, packed, .mode = mode, .group_size = group_size, .bits = bits)) return false;
    m->mode = mode, m->group_size = group_size, m->bits = bits;
    return tarn_assign(&m->weight, packed[0]) && tarn_assign(&m->scales, packed[1]) &&
           (!packed[2] || tarn_assign(&m->biases, packed[2]));
}

/* x times the matrix transposed. */
static tarn_array *product(const tarn_embedding *m, tarn_array *x) {
    if (!m->scales) return tarn_matmul(x, tarn_transpose(m->weight));
    return tarn_quantized_matmul(x, m->weight, m->scales, .biases = m->biases, .mode = m->mode,
                                 .group_size = m->group_size, .bits = m->bits);
}

/* ---- linear */

static tarn_embedding matrix_of(const tarn_linear *m) {
    return (tarn_embedding){m->weight, m->scales, m->biases, m->mode, m->group_size, m->bits};
}

static bool quantize_linear(void *layer, const char *mode, int64_t group_size, int64_t bits) {
    tarn_linear *m = layer;
    tarn_embedding matrix = matrix_of(m);
    bool ok = quantize_embedding(&matrix, mode, group_size, bits);
    m->weight = matrix.weight, m->scales = matrix.scales, m->biases = matrix.biases;
    m->mode = matrix.mode, m->group_size = matrix.group_size, m->bits = matrix.bits;
    return ok;
}

static const tarn_field linear_fields[] = {TARN_FIELD_ARRAY(tarn_linear, weight), TARN_FIELD_ARRAY(tarn_linear, bias),
                                           TARN_FIELD_ARRAY(tarn_linear, scales),
                                           TARN_FIELD_ARRAY(tarn_linear, biases)};
const tarn_fields tarn_linear_fields = {"linear", linear_fields, 4, sizeof(tarn_linear), quantize_linear};

bool tarn_linear_init_with(tarn_linear *m, int64_t inputs, int64_t outputs, tarn_array **key, tarn_layer_options o) {
    if (!REQUIRE_AS(m, "layer")) return false;
    double limit = 1 / sqrt((double)inputs);
    *m = (tarn_linear){0};
    return tarn_assign(&m->weight, init_uniform(key, TARN_SHAPE(outputs, inputs), o.dtype, limit)) &&
           (o.no_bias || tarn_assign(&m->bias, init_uniform(key, TARN_SHAPE(outputs), o.dtype, limit)));
}

tarn_array *tarn_linear_forward(const tarn_linear *m, tarn_array *x) {
    if (!REQUIRE_AS(m, "layer")) return NULL;
    if (m->bias && !m->scales) return tarn_addmm(m->bias, x, tarn_transpose(m->weight));
    tarn_embedding matrix = matrix_of(m);
    tarn_array *y = product(&matrix, x);
    return m->bias ? tarn_add(y, m->bias) : y;
}

/* ---- embedding */

static const tarn_field embedding_fields[] = {TARN_FIELD_ARRAY(tarn_embedding, weight),
                                              TARN_FIELD_ARRAY(tarn_embedding, scales),
                                              TARN_FIELD_ARRAY(tarn_embedding, biases)};
const tarn_fields tarn_embedding_fields = {"embedding", embedding_fields, 3, sizeof(tarn_embedding),
                                           quantize_embedding};

bool tarn_embedding_init_with(tarn_embedding *m, int64_t count, int64_t dims, tarn_array **key, tarn_layer_options o) {
    if (!REQUIRE_AS(m, "layer")) return false;
    *m = (tarn_embedding){0};
    tarn_value deviation = TARN_VALUE(1 / sqrt((double)dims));
    return tarn_assign(&m->weight, tarn_random_normal(spend_key(key), TARN_SHAPE(count, dims),
                                                      dtype_or_float32(o.dtype), .deviation = deviation));
}

static tarn_array *rows(tarn_array *a, tarn_array *ids) {
    return a ? tarn_take(a, ids, .axis = TARN_AXIS(0)) : NULL;
}

tarn_array *tarn_embedding_forward(const tarn_embedding *m, tarn_array *ids) {
    if (!REQUIRE_AS(m, "layer")) return NULL;
    if (!m->scales) return rows(m->weight, ids);
    return tarn_dequantize(rows(m->weight, ids), rows(m->scales, ids), .biases = rows(m->biases, ids), .mode = m->mode,
                           .group_size = m->group_size, .bits = m->bits);
}

tarn_array *tarn_embedding_as_linear(const tarn_embedding *m, tarn_array *x) {
    if (!REQUIRE_AS(m, "layer")) return NULL;
    return product(m, x);
}

/* ---- bilinear */

static const tarn_field bilinear_fields[] = {TARN_FIELD_ARRAY(tarn_bilinear, weight),
                                             TARN_FIELD_ARRAY(tarn_bilinear, bias)};
const tarn_fields tarn_bilinear_fields = {"bilinear", bilinear_fields, 2, sizeof(tarn_bilinear), NULL};

bool tarn_bilinear_init_with(tarn_bilinear *m, int64_t inputs1, int64_t inputs2, int64_t outputs, tarn_array **key,
                             tarn_layer_options o) {
    if (!REQUIRE_AS(m, "layer")) return false;
    double limit = 1 / sqrt((double)inputs1);
    *m = (tarn_bilinear){0};
    return tarn_assign(&m->weight, init_uniform(key, TARN_SHAPE(outputs, inputs2, inputs1), o.dtype, limit)) &&
           (o.no_bias || tarn_assign(&m->bias, init_uniform(key, TARN_SHAPE(outputs), o.dtype, limit)));
}

tarn_array *tarn_bilinear_forward(const tarn_bilinear *m, tarn_array *x1, tarn_array *x2) {
    if (!REQUIRE_AS(m, "layer")) return NULL;
    tarn_array *y = tarn_einsum("oji,...i,...j->...o", TARN_ARRAYS(m->weight, x1, x2), 3);
    return m->bias ? tarn_add(y, m->bias) : y;
}
