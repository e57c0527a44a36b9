/* gather and scatter. */
#include "cuda/fold.cuh"

/* Where element i of what is picked lies in `many`, which may be before its first element; false: outside. */
DEVICE bool picked_place(const pick_kernel &k, i64 i, i64 *place, i64 *own) {
    i64 at = 0, index_at[KERNEL_MOST_INDICES] = {0}, left = i, index;
    *own = 0;
    for (int d = k.ndim - 1; d >= 0; d--) {
        left = divide(left, k.shape[d], &index);
        at += index * k.strides[d];
        *own += index * k.picked_strides[d];
        for (int j = 0; j < k.count; j++) index_at[j] += index * k.index_strides[j][d];
    }
    for (int j = 0; j < k.count; j++) {
        i64 value = integer_at(k.indices[j], index_at[j], k.index_dtype[j]);
        if (value < 0) value += k.index_size[j];
        if (value < 0 || value >= k.index_size[j]) return false;
        at += value * k.index_step[j];
    }
    *place = at;
    return true;
}

template <class S> __global__ void gather_elements(const __grid_constant__ pick_kernel k) {
    begin();
    i64 i = thread_number(), at, own;
    if (i >= k.n) return;
    bool inside = picked_place(k, i, &at, &own);
    ((S *)k.picked)[own] = inside ? ((const S *)k.many)[at] : S();
}

/* A thread for each place along the axes that the indices do not choose: there updates cannot meet, the others apply in
 * order. */
template <class S> __global__ void scatter_in_order(const __grid_constant__ pick_kernel k) {
    typedef typename running<S>::type T;
    begin();
    i64 first = thread_number() * k.in_order, at, own;
    if (first >= k.n) return;
    for (i64 i = first; i < first + k.in_order; i++) {
        if (!picked_place(k, i, &at, &own)) continue;
        S *to = (S *)k.many + at, update = ((const S *)k.picked)[own];
        if (k.mode == 0)
            *to = update;
        else /* the other modes stand in the order of the folds */
            narrow(to, fold_kind{k.mode - 1}((T)widen(*to), (T)widen(update)));
    }
}

void launch_pick(const pick_kernel *k, kernel_stream stream) {
    if (k->mode < 0) {
        PIECE_SIZES(k->bytes, start(gather_elements<type>, blocks_for(k->n, 256), 256, 0, stream, *k))
        return;
    }
    unsigned blocks = blocks_for(k->n / k->in_order, 64);
    DTYPES(k->dtype, start(scatter_in_order<type>, blocks, 64, 0, stream, *k))
}
