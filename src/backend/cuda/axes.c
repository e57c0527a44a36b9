/* Joining: an axis goes into the one before it where every operand steps through both as through one. */
#include "cuda/axes.h"

static bool may_join(const axes *a, const int64_t *const *strides, int64_t size, int i) {
    for (int k = 0; k < a->operands; k++)
        if (a->strides[k][a->ndim - 1] != strides[k][i] * size) return false;
    return true;
}

axes axes_joined(int ndim, const int64_t *shape, int operands, const int64_t *const *strides) {
    axes a = {.operands = operands, .n = 1};
    for (int i = 0; i < ndim; i++) {
        a.n *= shape[i];
        if (shape[i] == 1) continue;
        bool join = a.ndim > 0 && may_join(&a, strides, shape[i], i);
        int to = join ? a.ndim - 1 : a.ndim++;
        a.shape[to] = shape[i] * (join ? a.shape[to] : 1);
        for (int k = 0; k < operands; k++) a.strides[k][to] = strides[k][i];
    }
    return a;
}

static bool fits_piece(int bytes, int piece, int last, const void *data, const int64_t *strides) {
    for (int i = 0; i < last; i++)
        if (strides[i] % piece) return false;
    return strides[last] == 1 && (uintptr_t)data % (uintptr_t)(bytes * piece) == 0;
}

int axes_piece(int bytes, int ndim, const int64_t *shape, const void *const *data, const int64_t *const *strides) {
    int last = ndim - 1, piece = ndim > 0 ? 16 / bytes : 1;
    while (piece > 1 && (shape[last] % piece || !fits_piece(bytes, piece, last, data[0], strides[0]) ||
                         !fits_piece(bytes, piece, last, data[1], strides[1])))
        piece /= 2;
    return piece;
}

void axes_broadcast(const operand *o, int without, int ndim, const int64_t *shape, int64_t *strides) {
    int own = o->ndim - without;
    for (int i = 0; i < ndim; i++) {
        int at = i - (ndim - own);
        strides[i] = at >= 0 && (o->shape[at] != 1 || shape[i] == 1) ? o->strides[at] : 0;
    }
}
