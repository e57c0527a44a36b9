/* A sum of rows and the rms_norm that reads it, and a norm whose result is made floats. */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/rows.h"

/* A block reads a row before it writes any. */
static bool memory_fits(const call *sum, const call *norm) {
    const operand *written[] = {&sum->outputs[0], &norm->outputs[0]};
    for (int w = 0; w < 2; w++) {
        for (int i = 0; i < 2; i++)
            if (!lies_over_or_apart(written[w], &sum->inputs[i])) return false;
        if (norm->input_count > 1 && spans_meet(span_of(written[w]), span_of(&norm->inputs[1]))) return false;
    }
    return true;
}

/* Of one row, the sum belongs to the product before it, and the norm to the one behind. */
static bool is_norm_of_rows(const call *norm) {
    if (norm->row != &cuda_rms_norm) return false;
    const operand *x = &norm->inputs[0];
    int64_t n = x->shape[x->ndim - 1];
    return n > 0 && operand_size(x) > n && x->dtype != TARN_FLOAT64;
}

static bool is_normed_sum(const call *sum, const call *norm) {
    const operand *x = &norm->inputs[0];
    return is_norm_of_rows(norm) && group_is_sum(sum, x->dtype) && sum->outputs[0].data == x->data &&
           operand_size(&sum->outputs[0]) == operand_size(x) && memory_fits(sum, norm);
}

int normed_rows_of(const call *calls, int count, const unsigned *constant, norm_kernel *k) {
    bool sum = count > 1 && is_normed_sum(&calls[0], &calls[1]);
    const call *norm = sum ? &calls[1] : calls;
    if (count < 1 || !is_norm_of_rows(norm)) return 0;
    *k = rms_norm_of(norm);
    k->early = constant && constant[sum] & 2;
    if (sum) {
        bool lost = spans_meet(span_of(&calls[0].outputs[0]), span_of(&norm->outputs[0]));
        k->from = calls[0].inputs[0].data;
        k->other = calls[0].inputs[1].data;
        k->sum_to = lost ? NULL : calls[0].outputs[0].data;
    }
    return norm_is_held(k) ? 1 + sum : 0;
}

/* A norm by itself, whose rows a block holds: of one row, too. */
static int lone_norm_of(const call *calls, int count, const unsigned *constant, norm_kernel *k) {
    if (count < 1 || calls->row != &cuda_rms_norm || operand_size(&calls->inputs[0]) == 0) return 0;
    *k = rms_norm_of(calls);
    k->early = constant && *constant & 2;
    return norm_is_held(k);
}

/* Whether behind the first `made` calls, which norm rows, these are made floats. */
static bool widened_behind(const call *calls, int count, int made, const norm_kernel *k) {
    const call *c = calls + made;
    if (!made || count <= made || !group_is_widening(c, k->to, k->rows * k->n, (tarn_dtype)k->dtype)) return false;
    byte_span to = span_of(&c->outputs[0]);
    for (int i = 0; i < made; i++)
        if (!call_leaves_alone(&calls[i], to)) return false;
    return to.begins % 16 == 0;
}

int fuse_sum(const call *calls, int count, const unsigned *constant) {
    norm_kernel k;
    int normed = normed_rows_of(calls, count, constant, &k);
    if (!normed) normed = lone_norm_of(calls, count, constant, &k);
    bool widened = widened_behind(calls, count, normed, &k);
    if (normed + widened < 2) return 0;
    k.wide = widened ? calls[normed].outputs[0].data : NULL;
    launch_rms_norm(&k, cuda_stream_now);
    return normed + widened;
}
