/* Keys, and the bits that they give: threefry2x32 in the order of MLX and JAX. What is made of bits stands in
   distributions.c. */
#include <string.h>

#include "ops/front.h"
#include "ops/random.h"
#include "ops/rules.h"
#include "tarn/random.h"

bool random_check_key(const tarn_array *key) {
    if (key->dtype == TARN_UINT32 && key->ndim >= 1 && key->shape[key->ndim - 1] == 2) return true;
    return fail_shapes(key, NULL, NULL, "random: a key is uint32 [..., 2], and not this");
}

static bool infer_random_bits(inference *i) {
    const tarn_array *key = i->inputs[0];
    const attributes_random_bits *a = i->attributes;
    if (!random_check_key(key)) return false;
    if (a->width != 1 && a->width != 2 && a->width != 4)
        return tarn_fail("random_bits: width %lld", (long long)a->width);
    if (a->shape.count > TARN_MAX_NDIM) return tarn_fail("random_bits: more than %d axes", TARN_MAX_NDIM);
    int batch = key->ndim - 1, ndim = batch + (int)a->shape.count;
    int64_t shape[2 * TARN_MAX_NDIM];
    memcpy(shape, key->shape, (size_t)batch * sizeof *shape);
    for (int k = batch; k < ndim; k++) shape[k] = a->shape.values[k - batch];
    return types_add(i, a->width == 4 ? TARN_UINT32 : a->width == 2 ? TARN_UINT16 : TARN_UINT8, ndim, shape);
}

tarn_array *tarn_random_key(uint64_t seed) {
    FRONT("random_key");
    return tarn_from_data((uint32_t[]){(uint32_t)(seed >> 32), (uint32_t)seed}, TARN_SHAPE(2), TARN_UINT32);
}

tarn_array *tarn_random_bits_with(tarn_array *key, tarn_ints shape, tarn_random_bits_options o) {
    return BUILD(random_bits, (&(attributes_random_bits){.shape = shape, .width = o.width ? o.width : 4}), key);
}

tarn_array *tarn_random_split(tarn_array *key, int64_t count) {
    FRONT("random_split");
    return tarn_random_bits(key, TARN_SHAPE(count, 2));
}

bool tarn_random_next(tarn_array *key, tarn_array **next, tarn_array **use) {
    FRONT("random_next");
    if (!next || !use) return tarn_fail("random_next: a place for a key is NULL");
    tarn_array *pair = tarn_random_split(key, 2), *parts[2];
    if (!pair || !tarn_split(pair, 2, parts, .axis = TARN_AXIS(-2))) return false;
    *next = tarn_squeeze(parts[0], .axes = TARN_AXES(-2));
    *use = tarn_squeeze(parts[1], .axes = TARN_AXES(-2));
    return tarn_ok();
}

const op_rules rules_random_bits = {.infer = infer_random_bits, .vmap = vmap_random_bits, .passes = passes_none};
