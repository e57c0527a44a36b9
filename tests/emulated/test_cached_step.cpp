/* attention/step.cu on the CPU, a cluster one block, against attention in double: some passes over the keys, lengths
   that are not the token's place, caches written where they should be and nowhere else. */
#include "cuda/attention/step.cu"

#include "random.h"

struct step_case {
    int dtype, dim, heads, kv_heads, batch, keys; /* heads: of a kv head */
    bool apart, early, queries, turned_keys;      /* apart: each row of the batch is at a place of its own */
    std::vector<int> places, lengths;
};

static step_case some_case() {
    step_case t = {below(2) ? D_BF16 : D_F16,
                   below(2) ? 64 : 128,
                   1 + below(8),
                   1 + below(2),
                   1 + below(2),
                   1 + below(below(2) ? 400 : 130),
                   below(2) == 0,
                   below(2) == 0,
                   below(2) == 0,
                   below(2) == 0,
                   {},
                   {}};
    for (int b = 0; b < t.batch; b++) {
        t.places.push_back(t.apart || b == 0 ? below(t.keys) : t.places[0]);
        t.lengths.push_back(below(5) ? t.places[b] + 1 : 1 + below(t.keys + 3));
    }
    return t;
}

static void test(const step_case &t) {
    const int heads = t.heads * t.kv_heads, width = (heads + 2 * t.kv_heads) * t.dim;
    const double slope = -0.14, scale = 1 / std::sqrt((double)t.dim), step = step_of(t.dtype);
    numbers x(t.dtype, t.batch * width), keys(t.dtype, t.batch * t.kv_heads * t.keys * t.dim), values(keys),
        to(t.dtype, t.batch * heads * t.dim), queries_to(to), keys_to(t.dtype, t.batch * t.kv_heads * t.dim);
    x.fill(-1, 1), keys.fill(-1, 1), values.fill(-1, 1);
    numbers kept_keys(keys), kept_values(values);

    cached_attention_kernel c = {};
    attention_kernel &a = c.attention;
    a.to = to.data, a.q = x.data, a.k = keys.data, a.v = values.data, a.length = t.lengths.data();
    a.length_dtype = D_I32, a.length_step = 1, a.dtype = t.dtype, a.batch = t.batch, a.heads = heads;
    a.kv_heads = t.kv_heads, a.rows = 1, a.keys = t.keys, a.dim = a.value_dim = t.dim, a.scale = scale;
    a.q_strides[0] = width, a.q_strides[1] = t.dim;
    for (int64_t *strides : {a.k_strides, a.v_strides}) {
        strides[0] = (int64_t)t.kv_heads * t.keys * t.dim;
        strides[1] = (int64_t)t.keys * t.dim, strides[2] = t.dim;
    }
    c.rope.dims = t.dim, c.rope.scale = 1, c.rope.slope = slope, c.rope.offset = t.places.data();
    c.rope.offset_step = c.start_step = t.apart, c.start = t.places.data(), c.early = t.early;
    c.key = x.data + 2 * heads * t.dim, c.value = x.data + 2 * (heads + t.kv_heads) * t.dim;
    c.key_strides[0] = c.value_strides[0] = width, c.key_strides[1] = c.value_strides[1] = t.dim;
    c.query_to = t.queries ? queries_to.data : nullptr, c.key_to = t.turned_keys ? keys_to.data : nullptr;
    check(launch_step_attention(&c, 0), 1, 0, "taken", 0);

    const auto turned = [&](int b, int row) { /* of x, heads and then keys */
                                              std::vector<double> y(t.dim);
                                              for (int i = 0; i < t.dim / 2; i++) {
                                                  const size_t at = (size_t)b * width + row * t.dim + i;
                                                  const double by = (double)(float)t.places[b] * std::exp(i * slope),
                                                               u = x.at(at), v = x.at(at + t.dim / 2);
                                                  y[i] = u * std::cos(by) - v * std::sin(by),
                                                  y[i + t.dim / 2] = u * std::sin(by) + v * std::cos(by);
                                              }
                                              return y;
    };
    const double turn = 2 * step + 1e-4 * t.keys / 400; /* angles are floats */
    for (int b = 0; b < t.batch; b++)
        for (int h = 0; h < t.kv_heads; h++) {
            const size_t head = (size_t)(b * t.kv_heads + h) * t.keys * t.dim, new_row = head + t.places[b] * t.dim;
            const std::vector<double> key = turned(b, heads + h);
            for (int i = 0; i < t.dim; i++) {
                check(keys.at(new_row + i), key[i], turn, "kept key", i);
                check(values.at(new_row + i), x.at((size_t)b * width + (heads + t.kv_heads + h) * t.dim + i), 0,
                      "kept value", i);
                if (t.turned_keys)
                    check(keys_to.at((size_t)(b * t.kv_heads + h) * t.dim + i), keys.at(new_row + i), 0, "key", i);
            }
            for (size_t i = head; i < head + (size_t)t.keys * t.dim; i++) {
                if (i >= new_row && i < new_row + t.dim) continue;
                check(keys.at(i), kept_keys.at(i), 0, "another key", i);
                check(values.at(i), kept_values.at(i), 0, "another value", i);
            }
            const int count = std::min(t.lengths[b], t.keys);
            for (int j = 0; j < t.heads; j++) {
                const std::vector<double> query = turned(b, h * t.heads + j);
                const size_t at = (size_t)(b * heads + h * t.heads + j) * t.dim;
                std::vector<double> weights(count), out(t.dim);
                double sum = 0;
                for (int n = 0; n < count; n++) {
                    double score = 0;
                    for (int i = 0; i < t.dim; i++) score += query[i] * keys.at(head + (size_t)n * t.dim + i);
                    sum += weights[n] = std::exp(score * scale);
                }
                for (int n = 0; n < count; n++)
                    for (int i = 0; i < t.dim; i++)
                        out[i] += weights[n] / sum * values.at(head + (size_t)n * t.dim + i);
                for (int i = 0; i < t.dim; i++) {
                    check(to.at(at + i), out[i], 6 * step, "attention", i);
                    if (t.queries) check(queries_to.at(at + i), query[i], turn, "query", i);
                }
            }
        }
}

static void tell(const step_case &t) {
    printf("^ dtype %d, dim %d, %d heads of %d, batch %d, %d keys, place %d, length %d, early %d\n", t.dtype, t.dim,
           t.heads, t.kv_heads, t.batch, t.keys, t.places[0], t.lengths[0], t.early);
}

int main() {
    processors = 1; /* so that no cluster has two blocks */
    return test_cases(60, some_case, test, tell);
}
