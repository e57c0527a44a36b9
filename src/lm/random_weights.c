/* Random weights in memory, for measurements: packed words are drawn as they are, so that a quantized model needs no
 * room but its own. */
#include <string.h>

#include "base/memory.h"
#include "lm/model.h"

/* splitmix64: Steele, Lea, Flood 2014 */
static uint64_t next_random(random_tensors *r) {
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool ends_with(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);
    return n >= m && !strcmp(name + n - m, end);
}

static bool is_norm(const char *name) {
    return strstr(name, "norm") != NULL;
}

static bool random_has(void *context, const char *name) {
    const random_tensors *r = context;
    if (r->tied && !strncmp(name, "lm_head.", 8)) return false;
    if (ends_with(name, ".weight") || ends_with(name, ".bias")) return true;
    return (ends_with(name, ".scales") || ends_with(name, ".biases")) && r->bits < 16 && !is_norm(name);
}

static void put(void *out, int64_t i, float x, tarn_dtype dtype) {
    if (dtype == TARN_FLOAT32) {
        ((float *)out)[i] = x;
        return;
    }
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (dtype == TARN_BFLOAT16)
        ((uint16_t *)out)[i] = (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    else /* float16, cut to its 10 bits: every value lies between 2^-14 and 2, or is 0 */
        ((uint16_t *)out)[i] =
            (uint16_t)((bits >> 16 & 0x8000) |
                       ((bits & 0x7fffffff) < 0x38800000 ? 0 : ((bits & 0x7fffffff) >> 13) - (112 << 10)));
}

/* Uniform in [low, high), or all low. */
static void fill_floats(random_tensors *r, void *out, int64_t count, float low, float high, tarn_dtype dtype) {
    for (int64_t i = 0; i < count; i += 4) {
        uint64_t word = next_random(r);
        for (int64_t j = i; j < i + 4 && j < count; j++, word >>= 16)
            put(out, j, low + (high - low) * (float)(word & 0xffff) / 65536.0f, dtype);
    }
}

static void fill(random_tensors *r, const char *name, void *out, int64_t count, tarn_dtype dtype) {
    if (dtype == TARN_UINT32) {
        uint32_t *words = out;
        for (int64_t i = 0; i < count; i++) words[i] = (uint32_t)next_random(r);
        return;
    }
    /* uniform weights of deviation 0.02; q is uniform in 0 .. 2^bits - 1, so that scale * q - scale * (2^bits - 1) / 2
     * has it too */
    const float half_width = 0.034641f, steps = (float)((1 << r->bits) - 1);
    float scale = 2 * half_width / steps;
    if (is_norm(name))
        fill_floats(r, out, count, 1, 1, dtype);
    else if (ends_with(name, ".scales"))
        fill_floats(r, out, count, scale, scale, dtype);
    else if (ends_with(name, ".biases"))
        fill_floats(r, out, count, -half_width, -half_width, dtype);
    else
        fill_floats(r, out, count, -half_width, half_width, dtype);
}

static void release(void *block) {
    memory_free_aligned(block);
}

static tarn_array *random_get(void *context, const char *name, tarn_dtype dtype, tarn_ints shape) {
    int64_t count = 1;
    if (((random_tensors *)context)->shapes_only) return tarn_zeros(shape, dtype);
    for (int64_t i = 0; i < shape.count; i++) count *= shape.values[i];
    void *block = memory_new_aligned((size_t)(count * tarn_dtype_bytes(dtype)));
    if (!block) return NULL;
    fill(context, name, block, count, dtype);
    tarn_array *a = tarn_from_foreign(block, shape, dtype, .release = release, .context = block);
    if (!a) release(block);
    return a;
}

static const char *random_where(void *context, const char *name) {
    (void)context, (void)name;
    return "random weights";
}

tensor_source random_source(random_tensors *random) {
    return (tensor_source){random, random_has, random_get, random_where};
}
