/* Products of many rows with packed weights, with what makes their x, which they want in another order (prompt_kernel):
   a norm writes that beside its result, and so does a product whose halves are a gate. */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/rows.h"

static byte_span spread_of(const prompt_kernel *k) {
    uintptr_t begins = (uintptr_t)k->spread;
    return (byte_span){begins, begins + (uintptr_t)(k->m * k->k * 2)};
}

/* ---- a gate behind a product */

/* x may be overwritten: a copy is multiplied. */
static bool is_gate(const call *product, const call *c, const prompt_kernel *k) {
    gate_kernel gate;
    if (!gate_of_rows(c, &gate) || gate.from != k->to || gate.rows != k->m || 2 * gate.half != k->rows) return false;
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

static bool begins_with_product(call_list l, prompt_kernel *k) {
    return l.count > 0 && l.calls->row == &cuda_quantized_matmul &&
           packed_prompt_of(l.calls, l.constant ? *l.constant : 0, k);
}

static bool reads(const prompt_kernel *k, const call *made) {
    const operand *x = &made->outputs[0];
    return k->x == x->data && k->m * k->k == operand_size(x) && k->k == x->shape[x->ndim - 1];
}

/* The products that follow each other through gates; `ordered`: the first one's x is in order. How many calls; 0: none
   could be launched. */
static int launch_products(call_list l, bool ordered) {
    int taken = 0;
    prompt_kernel k, next;
    for (bool more = begins_with_product(l, &k); more; k = next) {
        bool gate = l.count > 1 && is_gate(&l.calls[0], &l.calls[1], &k);
        call_list rest = behind(l, 1 + gate);
        more = gate && begins_with_product(rest, &next) && reads(&next, &l.calls[1]) &&
               call_leaves_alone(&l.calls[0], spread_of(&next)) && call_leaves_alone(&l.calls[1], spread_of(&next)) &&
               !spans_meet(spread_of(&k), spread_of(&next));
        k.ordered = ordered;
        k.gated = gate ? l.calls[1].outputs[0].data : NULL;
        k.gated_spread = more ? next.spread : NULL;
        if (!launch_prompt(&k, cuda_stream_now)) return taken;
        taken += 1 + gate;
        l = rest;
        ordered = more;
    }
    return taken;
}

int fuse_prompt(const call *calls, int count, const unsigned *constant) {
    call_list all = {calls, constant, count};
    norm_kernel norm;
    prompt_kernel product;
    int normed = normed_rows_of(calls, count, &norm);
    call_list rest = behind(all, normed);
    if (!begins_with_product(rest, &product)) return 0;
    if (!normed) return launch_products(all, false);
    bool fits = reads(&product, &calls[normed - 1]);
    for (int i = 0; i < normed; i++) fits = fits && call_leaves_alone(&calls[i], spread_of(&product));
    if (!fits) return 0;
    norm.spread = product.spread;
    launch_rms_norm(&norm, cuda_stream_now);
    return normed + launch_products(rest, true);
}
