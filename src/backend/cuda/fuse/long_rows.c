/* logsumexp of few long rows, the rows less that, and where the best of what is left is: what finds the likeliest
 * token. */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/rows.h"

/* Whether o is rows [.., n], dense. */
static bool is_rows(const operand *o, const void *data, int64_t n, int64_t size) {
    return o->data == data && o->ndim > 0 && o->shape[o->ndim - 1] == n && operand_size(o) == size && lies_in_line(o);
}

/* Whether it is a number of `data` for each of those rows. */
static bool is_number_of_row(const operand *o, const operand *rows, const void *data) {
    int64_t step = 1;
    if (o->data != data || o->ndim != rows->ndim || o->strides[o->ndim - 1] != 0) return false;
    for (int i = o->ndim - 2; i >= 0; i--) {
        if (o->shape[i] != rows->shape[i] || (o->shape[i] > 1 && o->strides[i] != step)) return false;
        step *= o->shape[i];
    }
    return true;
}

static bool takes_total(const call *group, const long_rows_kernel *k) {
    int from;
    if (!group_is_difference(group, (tarn_dtype)k->dtype, &from)) return false;
    const operand *x = &group->inputs[from], *out = &group->outputs[0];
    return (k->rows == 1 || k->step == k->n) && is_rows(x, k->from, k->n, k->rows * k->n) &&
           is_rows(out, out->data, k->n, k->rows * k->n) && is_number_of_row(&group->inputs[1 - from], x, k->total) &&
           lies_over_or_apart(out, x) && (uintptr_t)out->data % 16 == 0;
}

/* Rows are held before any of them is written; the others' memory is nobody's else. */
static bool memory_fits(const call *calls, int count) {
    const operand *x = &calls[0].inputs[0];
    for (int i = 0; i < count; i++) {
        byte_span to = span_of(&calls[i].outputs[0]);
        if (i != 1 && spans_meet(to, span_of(x))) return false;
        for (int k = 0; k < i; k++)
            if (spans_meet(to, span_of(&calls[k].outputs[0]))) return false;
    }
    return true;
}

static bool takes_best(const call *c, const long_rows_kernel *k, long_rows_kernel *best) {
    return c->row == &cuda_arg_reduce && best_of_long_rows(c, best) && best->from == k->rest &&
           best->dtype == k->dtype && best->rows == k->rows && best->n == k->n && (k->rows == 1 || best->step == k->n);
}

int fuse_long_rows(const call *calls, int count, const unsigned *constant) {
    long_rows_kernel k, best;
    (void)constant;
    if (count < 2 || calls[0].row != &cuda_logsumexp || !total_of_long_rows(&calls[0], &k)) return 0;
    if (!takes_total(&calls[1], &k) || !memory_fits(calls, 2)) return 0;
    k.rest = calls[1].outputs[0].data;
    int taken = count > 2 && takes_best(&calls[2], &k, &best) && memory_fits(calls, 3) ? 3 : 2;
    if (taken == 3) k.best = best.best, k.least = best.least;
    launch_long_rows(&k, cuda_stream_now);
    return taken;
}
