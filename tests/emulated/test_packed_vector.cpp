/* quant/vector.cu on the CPU, against the product in double: both widths, every dtype of x and scales, group sizes,
   norms, sums and gates behind it, cards of few multiprocessors (many rounds) and of many. */
#include "cuda/quant/vector.cu"

#include "random.h"

struct product_case {
    int dtype, scale_dtype, bits, group, k, rows, after;
    bool normed, weight, early, wanted; /* wanted: the product itself, too */
};

static product_case some_case() {
    enum { MOST_PIECES = 1024 /* of a normed row */ };
    const int dtypes[] = {D_BF16, D_F16, D_F32}, dtype = dtypes[below(3)], bits = below(3) ? 4 : 8,
              span = bits == 4 ? 256 : 128;
    product_case t = {.dtype = dtype,
                      .scale_dtype = below(3) ? dtype : dtypes[below(3)],
                      .bits = bits,
                      .group = bits == 4 ? 64 << below(2) : 32 << below(3),
                      .k = span * (1 + below(below(4) ? 14 : 32)),
                      .rows = 1 + below(below(4) ? 200 : 700),
                      .after = below(3),
                      .normed = below(2) == 0,
                      .weight = below(4) > 0,
                      .early = below(2) == 0,
                      .wanted = below(2) == 0};
    if (t.after == AFTER_GATE) t.rows = (t.rows + 15) / 16 * 16;
    if (t.after == AFTER_NOTHING) t.wanted = true;
    if (t.k * (dtype == D_F32 ? 4 : 2) > 16 * MOST_PIECES) t.normed = false;
    processors = below(3) ? 1 + below(12) : 132;
    return t;
}

static void test(const product_case &t) {
    const int groups = t.k / t.group;
    numbers x(t.dtype, t.k), weight(t.dtype, t.k), normed(t.dtype, t.k), scales(t.scale_dtype, t.rows * groups),
        biases(t.scale_dtype, t.rows * groups), y(t.dtype, t.rows + 8), other(t.dtype, t.rows), result(t.dtype, t.rows);
    x.fill(-1, 1), weight.fill(0.5, 1.5), other.fill(-1, 1);
    scales.fill(-0.02, 0.02), biases.fill(-0.1, 0.1);
    for (int i = 0; i < t.k; i += 1 + below(40)) x.put(i, between(-8, 8));
    std::vector<uint4> words((size_t)t.rows * t.k * t.bits / 128);
    for (uint4 &piece : words) piece = {(u32)generator(), (u32)generator(), (u32)generator(), (u32)generator()};

    packed_vector_kernel k = {};
    k.x = x.data, k.dtype = t.dtype, k.scale_dtype = t.scale_dtype, k.bits = t.bits, k.early = t.early;
    k.k = t.k, k.group = t.group;
    k.part = {(const uint32_t *)words.data(), scales.data, biases.data, t.wanted ? y.data : nullptr, t.rows};
    k.around.normed = t.normed, k.around.early = t.early, k.around.eps = 1e-5f;
    k.around.norm_weight = t.normed && t.weight ? weight.data : nullptr;
    k.around.norm_to = t.normed ? normed.data : nullptr;
    k.around.after = t.after, k.around.other = other.data, k.around.result = result.data;
    launch_packed_vector(&k, 0);

    double squares = 0;
    std::vector<double> in(t.k), products(t.rows), sizes(t.rows);
    for (int i = 0; i < t.k; i++) in[i] = x.at(i), squares += in[i] * in[i];
    for (int i = 0; i < t.k && t.normed; i++) {
        in[i] = x.rounded(in[i] / std::sqrt(squares / t.k + 1e-5));
        if (t.weight) in[i] = x.rounded(in[i] * weight.at(i));
        check(normed.at(i), in[i], std::abs(in[i]) * 2 * step_of(t.dtype), "normed", i);
        in[i] = normed.at(i);
    }
    const u32 *word = (const u32 *)words.data();
    for (int r = 0; r < t.rows; r++)
        for (int i = 0; i < t.k; i++) {
            const size_t bit = ((size_t)r * t.k + i) * t.bits, group = (size_t)r * groups + i / t.group;
            const u32 level = word[bit / 32] >> bit % 32 & ((1u << t.bits) - 1);
            const double product = in[i] * (level * scales.at(group) + biases.at(group));
            products[r] += product, sizes[r] += std::abs(product);
        }
    const double part = t.dtype == D_F32 ? 4e-7 : 4e-5, step = step_of(t.dtype);
    const auto off = [&](int r) { return std::abs(products[r]) * step + sizes[r] * part; };
    const auto is_finite = [&](double value) { return t.dtype != D_F16 || std::abs(value) < 6e4; };
    for (int r = 0; r < t.rows; r++) {
        if (t.wanted && is_finite(products[r])) check(y.at(r), products[r], off(r), "product", r);
        if (t.after == AFTER_ADD && is_finite(products[r])) {
            const double sum = products[r] + other.at(r);
            check(result.at(r), sum, off(r) + std::abs(sum) * step, "sum", r);
        }
    }
    for (int r = 0; r < t.rows / 2 && t.after == AFTER_GATE; r++) {
        const double gate = products[r] / (1 + std::exp(-products[r])), through = products[r + t.rows / 2];
        const double slack = (1.2 * off(r) + 2 * step * std::abs(gate)) * std::abs(through) +
                             (std::abs(gate) + 1.2 * off(r)) * off(r + t.rows / 2);
        if (is_finite(gate * through) && is_finite(products[r]) && is_finite(through))
            check(result.at(r), gate * through, slack + 2 * step * std::abs(gate * through) + step, "gated", r);
    }
    for (int r = t.rows; r < t.rows + 8; r++) check(std::isnan(y.at(r)), 1, 0, "left alone behind the product", r);
}

static void tell(const product_case &t) {
    printf("^ dtype %d, scales %d, %d bits, groups of %d, k %d, %d rows, after %d, normed %d, weight %d, "
           "early %d, product %d, %d multiprocessors\n",
           t.dtype, t.scale_dtype, t.bits, t.group, t.k, t.rows, t.after, t.normed, t.weight, t.early, t.wanted,
           processors);
}

int main() {
    return test_cases(60, some_case, test, tell);
}
