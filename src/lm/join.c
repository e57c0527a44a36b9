/* Matrices that the same x is multiplied by, joined into one: a device that is fast beside the time that a kernel takes
   to begin is given one product for three. The parts stay, as views of the whole. */
#include "base/memory.h"
#include "lm/parameters.h"

enum { MOST_PARTS = 3 };

/* The rows of the parts one after the other, kept in *whole; each part becomes its rows of that. Nothing happens where
   the parts have no such array. The one before, *last, is waited for once this one has been submitted: the link never
   stands still, and no more than two are on their way with the parts that they are made of. */
static bool join_arrays(tarn_array **whole, tarn_array **const parts[], int count, tarn_array **last) {
    TARN_SCOPE;
    tarn_array *all[MOST_PARTS], *made[MOST_PARTS + 1];
    for (int i = 0; i < count; i++) all[i] = *parts[i];
    if (!all[0]) return true;
    made[count] = tarn_concatenate(all, count, .axis = TARN_AXIS(0));
    for (int64_t i = 0, at = 0; i < count; at += tarn_dim(all[i], 0), i++)
        made[i] = tarn_slice_axis(made[count], 0, at, at + tarn_dim(all[i], 0));
    if (!tarn_async_eval_all(made, count + 1) || (*last && !tarn_eval(*last))) return false;
    *last = *whole = tarn_keep(made[count]);
    for (int i = 0; i < count; i++) {
        tarn_drop(*parts[i]);
        *parts[i] = tarn_keep(made[i]);
    }
    return true;
}

static bool are_alike(linear *const parts[], int count) {
    for (int i = 1; i < count; i++) {
        const linear *a = parts[0], *b = parts[i];
        bool same = a->quantized.bits == b->quantized.bits && a->quantized.group_size == b->quantized.group_size &&
                    !a->bias == !b->bias && tarn_dtype_of(a->weight) == tarn_dtype_of(b->weight) &&
                    (!a->scales || tarn_dtype_of(a->scales) == tarn_dtype_of(b->scales));
        if (!same) return false;
    }
    return true;
}

static bool join(linear *whole, linear *const parts[], int count, tarn_array **last) {
    if (!are_alike(parts, count)) return true;
    tarn_array **weights[MOST_PARTS], **scales[MOST_PARTS], **biases[MOST_PARTS], **bias[MOST_PARTS];
    for (int i = 0; i < count; i++) {
        weights[i] = &parts[i]->weight;
        scales[i] = &parts[i]->scales;
        biases[i] = &parts[i]->biases;
        bias[i] = &parts[i]->bias;
    }
    whole->quantized = parts[0]->quantized;
    return join_arrays(&whole->weight, weights, count, last) && join_arrays(&whole->scales, scales, count, last) &&
           join_arrays(&whole->biases, biases, count, last) && join_arrays(&whole->bias, bias, count, last);
}

bool parameters_join(model_weights *weights, const model_config *config) {
    tarn_array *last = NULL;
    for (int64_t i = 0; i < config->layers; i++) {
        attention_weights *a = &weights->layers[i].attention;
        mlp_weights *m = &weights->layers[i].mlp;
        if (!join(&a->qkv, (linear *const[]){&a->q, &a->k, &a->v}, 3, &last) ||
            !join(&m->gate_up, (linear *const[]){&m->gate, &m->up}, 2, &last))
            return false;
    }
    return true;
}
