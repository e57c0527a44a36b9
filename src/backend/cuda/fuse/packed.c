/* Products of more rows than one with packed weights, with what makes their x, which they want in another order
   (packed_rows_kernel): a norm, of a sum or not, or a gate writes that beside its result, into the product's workspace,
   and so does a product whose halves are a gate. */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/rows.h"

static byte_span spread_of(const packed_rows_kernel *k) {
    uintptr_t begins = (uintptr_t)k->spread;
    return (byte_span){begins, begins + (uintptr_t)((k->eights ? 8 * k->eights : k->m) * k->k * 2)};
}

bool packed_rows_behind(const call *calls, int count, const unsigned *constant, int made, int64_t row,
                        packed_rows_kernel *k) {
    if (!made || count <= made || calls[made].row != &cuda_quantized_matmul) return false;
    const operand *x = &calls[made - 1].outputs[0];
    if (x->dtype == TARN_FLOAT32 || !packed_rows_of(&calls[made], constant ? constant[made] : 0, k)) return false;
    for (int i = 0; i < made; i++)
        if (!call_leaves_alone(&calls[i], spread_of(k))) return false;
    return k->x == x->data && k->dtype == (int)x->dtype && k->k == row && k->m * row == operand_size(x);
}

/* Of what comes last of the first `made` calls: the length of its rows. */
static int64_t row_of(const call *calls, int made) {
    const operand *x = made ? &calls[made - 1].outputs[0] : NULL;
    return x && x->ndim ? x->shape[x->ndim - 1] : 0;
}

/* ---- a gate behind a product. x may be overwritten: a copy is multiplied. */
static bool is_gate(const call *product, const call *c, const packed_rows_kernel *k) {
    if (!gates_rows(c, k->to, k->dtype, k->m, k->rows)) return false;
    byte_span result = span_of(&c->outputs[0]);
    for (int i = 1; i < product->input_count; i++)
        if (spans_meet(span_of(&product->inputs[i]), result)) return false;
    return !spans_meet(result, spread_of(k)) && !spans_meet(result, span_of(&product->outputs[0]));
}

/* ---- the chain */
typedef struct {
    const call *calls;
    const unsigned *constant; /* of each, or NULL */
    int count;
} call_list;

static call_list behind(call_list l, int taken) {
    return (call_list){l.calls + taken, l.constant ? l.constant + taken : NULL, l.count - taken};
}

static bool begins_with_product(call_list l, packed_rows_kernel *k) {
    return l.count > 0 && l.calls->row == &cuda_quantized_matmul &&
           packed_rows_of(l.calls, l.constant ? *l.constant : 0, k);
}

/* The products that follow each other through gates; `ordered`: the first one's x is in order. How many calls; 0: none
   could be launched. */
static int launch_products(call_list l, bool ordered) {
    int taken = 0;
    packed_rows_kernel k, next;
    for (bool more = begins_with_product(l, &k); more; k = next) {
        bool gate = l.count > 1 && is_gate(&l.calls[0], &l.calls[1], &k);
        more = gate && packed_rows_behind(l.calls, l.count, l.constant, 2, k.rows / 2, &next) &&
               !spans_meet(spread_of(&k), spread_of(&next));
        k.ordered = ordered;
        k.gated = gate ? l.calls[1].outputs[0].data : NULL;
        k.gated_spread = more ? next.spread : NULL;
        if (!launch_packed_rows(&k, cuda_stream_now)) return taken;
        taken += 1 + gate;
        l = behind(l, 1 + gate);
        ordered = more;
    }
    return taken;
}

int fuse_packed(const call *calls, int count, const unsigned *constant) {
    call_list all = {calls, constant, count};
    packed_rows_kernel product;
    norm_kernel norm;
    gate_kernel gate;
    int normed = normed_rows_of(calls, count, constant, &norm);
    if (packed_rows_behind(calls, count, constant, normed, row_of(calls, normed), &product)) {
        norm.spread = product.spread;
        norm.eights = product.eights;
        launch_rms_norm(&norm, cuda_stream_now);
        return normed + launch_products(behind(all, normed), true);
    }
    int gated = count > 0 && gate_of_rows(calls, &gate);
    if (!packed_rows_behind(calls, count, constant, gated, row_of(calls, gated), &product))
        return launch_products(all, false);
    gate.spread = product.spread;
    gate.eights = product.eights;
    launch_gate(&gate, cuda_stream_now);
    return gated + launch_products(behind(all, gated), true);
}
