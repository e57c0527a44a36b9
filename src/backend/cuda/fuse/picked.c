/* Packed rows that indices choose, of words, scales and biases, and their numbers: an embedding. */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/rows.h"

enum { PARTS = 3, ALL };

/* The call that picks whole rows and makes part i of what is unpacked; NULL: none of them. */
static const call *picker_of(const call *calls, int i) {
    const operand *part = &calls[PARTS].inputs[i];
    for (int k = 0; k < PARTS; k++) {
        const call *c = &calls[k];
        const attributes_gather *a = c->attributes;
        if (c->row != &cuda_gather || c->outputs[0].data != part->data || c->input_count != 2) continue;
        const operand *many = &c->inputs[0];
        bool whole =
            a->axes.count == 1 && a->batch.count == 0 && many->ndim == 2 && axis_normal(a->axes.values[0], 2) == 0;
        return whole && lies_in_line(many) && lies_in_line(&c->inputs[1]) && lies_in_line(&c->outputs[0]) ? c : NULL;
    }
    return NULL;
}

static bool same_indices(const call *a, const call *b) {
    const operand *x = &a->inputs[1], *y = &b->inputs[1];
    return x->data == y->data && x->dtype == y->dtype && operand_size(x) == operand_size(y) &&
           a->inputs[0].shape[0] == b->inputs[0].shape[0];
}

/* Whether each row that is unpacked is one that was picked, each part of it by a call of its own. */
static bool rows_agree(const call *const *pickers, const affine_kernel *k) {
    const int64_t widths[PARTS] = {k->k * k->bits / 32, k->k / k->group, k->k / k->group};
    for (int i = 0; i < PARTS; i++)
        if (!pickers[i] || !same_indices(pickers[0], pickers[i]) || pickers[i]->inputs[0].shape[1] != widths[i])
            return false;
    return pickers[0] != pickers[1] && pickers[0] != pickers[2] && pickers[1] != pickers[2] &&
           operand_size(&pickers[0]->inputs[1]) == k->rows;
}

/* Blocks run in no order: nothing that is read lies where something is written, nor do two results meet. */
static bool memory_fits(const call *calls) {
    for (int i = 0; i < ALL; i++)
        for (int k = 0; k < ALL; k++) {
            if (i == k) continue;
            byte_span to = span_of(&calls[i].outputs[0]);
            if (spans_meet(to, span_of(&calls[k].outputs[0]))) return false;
            for (int n = 0; k < PARTS && n < 2; n++)
                if (spans_meet(to, span_of(&calls[k].inputs[n]))) return false;
        }
    return true;
}

static bool is_unpacked_so(const call *c, const affine_kernel *k) {
    int count = 32 / k->bits;
    return c->row == &cuda_dequantize && c->input_count >= PARTS && c->inputs[2].data && k->rows > 0 &&
           (k->bits == 2 || k->bits == 4 || k->bits == 8) && k->group % count == 0 && k->scale_dtype == k->dtype &&
           c->inputs[2].dtype == c->inputs[1].dtype && (uintptr_t)k->to % 16 == 0;
}

int fuse_picked(const call *calls, int count, const unsigned *constant) {
    (void)constant;
    if (count < ALL || calls[0].row != &cuda_gather || calls[PARTS].row != &cuda_dequantize) return 0;
    picked_affine_kernel k = {.rows = dequantize_of(&calls[PARTS])};
    const call *pickers[PARTS];
    for (int i = 0; i < PARTS; i++) pickers[i] = picker_of(calls, i);
    if (!is_unpacked_so(&calls[PARTS], &k.rows) || !rows_agree(pickers, &k.rows) || !memory_fits(calls)) return 0;
    k.words = pickers[0]->inputs[0].data;
    k.scales = pickers[1]->inputs[0].data;
    k.biases = pickers[2]->inputs[0].data;
    k.indices = pickers[0]->inputs[1].data;
    k.index_dtype = (int)pickers[0]->inputs[1].dtype;
    k.count = pickers[0]->inputs[0].shape[0];
    launch_dequantize_picked(&k, cuda_stream_now);
    return ALL;
}
