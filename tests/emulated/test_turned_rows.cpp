/* norm/turn.cu on the CPU, against turns in double: heads of every width, values of other widths than keys, places that
   are moved so that the rows lie within the cache, and nothing written beside them. */
#include "cuda/norm/turn.cu"

#include "random.h"

struct turn_case {
    int dtype, dim, value_dim, kv_heads, heads, length, batch, capacity; /* heads: of queries */
    bool apart, key_by_itself;                                           /* apart: each row of the batch has a place */
};

static turn_case some_case() {
    turn_case t = {below(2) ? D_BF16 : D_F16,
                   16 * (1 + below(16)),
                   16 * (1 + below(32)),
                   1 + below(8),
                   1 + below(8),
                   2 + below(5),
                   1 + below(3),
                   below(8),
                   below(2) == 0,
                   below(2) == 0};
    t.heads *= t.kv_heads, t.capacity += t.length;
    processors = below(2) ? 1 : 132;
    return t;
}

/* Rows as a product leaves them: [batch, length, heads, dim], as strides of batch, head, row. */
static void lay(int64_t *strides, const turn_case &t, int heads, int dim) {
    strides[0] = (int64_t)t.length * heads * dim, strides[1] = dim, strides[2] = (int64_t)heads * dim;
}
static void lay_in_cache(int64_t *strides, const turn_case &t, int dim) {
    strides[0] = (int64_t)t.kv_heads * t.capacity * dim, strides[1] = (int64_t)t.capacity * dim, strides[2] = dim;
}

static void test(const turn_case &t) {
    numbers queries(t.dtype, t.batch * t.length * t.heads * t.dim),
        keys(t.dtype, t.batch * t.length * t.kv_heads * t.dim),
        values(t.dtype, t.batch * t.length * t.kv_heads * t.value_dim), to(t.dtype, queries.count),
        key_to(t.dtype, keys.count), key_cache(t.dtype, t.batch * t.kv_heads * t.capacity * t.dim),
        value_cache(t.dtype, t.batch * t.kv_heads * t.capacity * t.value_dim);
    queries.fill(-1, 1), keys.fill(-1, 1), values.fill(-1, 1), key_cache.fill(-1, 1), value_cache.fill(-1, 1);
    numbers kept_keys(key_cache), kept_values(value_cache);
    std::vector<int> offsets(t.batch), starts(t.batch);
    for (int b = 0; b < t.batch; b++) offsets[b] = below(100), starts[b] = below(t.capacity + 4) - 2;

    turned_rows_kernel k = {};
    rope_kernel &r = k.rope;
    r.to = to.data, r.from = queries.data, r.offset = offsets.data(), r.dtype = t.dtype, r.offset_dtype = D_I32;
    r.batch = t.batch, r.heads = t.heads, r.length = t.length, r.dim = r.dims = t.dim, r.offset_step = t.apart;
    r.scale = 1, r.slope = -std::log(10000.) / (t.dim / 2);
    lay(r.strides, t, t.heads, t.dim);
    k.key = keys.data, k.value = values.data, k.key_to = t.key_by_itself ? key_to.data : nullptr;
    k.key_cache = key_cache.data, k.value_cache = value_cache.data, k.start = starts.data(), k.start_step = t.apart;
    k.kv_heads = t.kv_heads, k.value_dim = t.value_dim, k.capacity = t.capacity;
    lay(k.key_strides, t, t.kv_heads, t.dim), lay(k.value_strides, t, t.kv_heads, t.value_dim);
    lay_in_cache(k.key_cache_strides, t, t.dim), lay_in_cache(k.value_cache_strides, t, t.value_dim);
    launch_turned_rows(&k, 0);

    const double off = 2 * step_of(t.dtype) + 1e-4; /* angles are floats */
    for (int b = 0; b < t.batch; b++) {
        const int place = std::clamp(starts[t.apart ? b : 0], 0, t.capacity - t.length),
                  offset = offsets[t.apart ? b : 0];
        const auto turned = [&](const numbers &x, int heads, int row, int h, int i) {
            const size_t at = ((size_t)(b * t.length + row) * heads + h) * t.dim + i % (t.dim / 2);
            const double by = (row + offset) * std::exp(i % (t.dim / 2) * r.slope), u = x.at(at),
                         v = x.at(at + t.dim / 2);
            return i < t.dim / 2 ? u * std::cos(by) - v * std::sin(by) : u * std::sin(by) + v * std::cos(by);
        };
        for (int row = 0; row < t.length; row++)
            for (int h = 0; h < t.heads; h++)
                for (int i = 0; i < t.dim; i++) {
                    const size_t at = ((size_t)(b * t.heads + h) * t.length + row) * t.dim + i;
                    check(to.at(at), turned(queries, t.heads, row, h, i), off, "query", at);
                }
        for (int h = 0; h < t.kv_heads; h++)
            for (int row = 0; row < t.capacity; row++) {
                const bool written = row >= place && row < place + t.length;
                const size_t line = (size_t)(b * t.kv_heads + h) * t.capacity + row,
                             from = (size_t)(b * t.length + row - place) * t.kv_heads + h,
                             alone = (size_t)(b * t.kv_heads + h) * t.length + row - place;
                for (int i = 0; i < t.dim; i++) {
                    const double got = key_cache.at(line * t.dim + i);
                    check(got, written ? turned(keys, t.kv_heads, row - place, h, i) : kept_keys.at(line * t.dim + i),
                          written ? off : 0, "key", line * t.dim + i);
                    if (written && t.key_by_itself) check(key_to.at(alone * t.dim + i), got, 0, "key by itself", i);
                }
                for (int i = 0; i < t.value_dim; i++)
                    check(value_cache.at(line * t.value_dim + i),
                          written ? values.at(from * t.value_dim + i) : kept_values.at(line * t.value_dim + i), 0,
                          "value", line * t.value_dim + i);
            }
    }
}

static void tell(const turn_case &t) {
    printf("^ dtype %d, dim %d, values %d, %d heads, %d kv heads, length %d, batch %d, capacity %d, apart %d\n",
           t.dtype, t.dim, t.value_dim, t.heads, t.kv_heads, t.length, t.batch, t.capacity, t.apart);
}

int main() {
    return test_cases(40, some_case, test, tell);
}
