/* Recurrent layers: what depends on x alone is one product for all steps, the rest goes step by step. */
#include <math.h>

#include "base/memory.h"
#include "base/require.h"
#include "nn/nn.h"

static const tarn_field rnn_fields[] = {TARN_FIELD_ARRAY(tarn_rnn, Wxh), TARN_FIELD_ARRAY(tarn_rnn, Whh),
                                        TARN_FIELD_ARRAY(tarn_rnn, bias)};
static const tarn_field gru_fields[] = {TARN_FIELD_ARRAY(tarn_gru, Wx), TARN_FIELD_ARRAY(tarn_gru, Wh),
                                        TARN_FIELD_ARRAY(tarn_gru, b), TARN_FIELD_ARRAY(tarn_gru, bhn)};
static const tarn_field lstm_fields[] = {TARN_FIELD_ARRAY(tarn_lstm, Wx), TARN_FIELD_ARRAY(tarn_lstm, Wh),
                                         TARN_FIELD_ARRAY(tarn_lstm, bias)};
const tarn_fields tarn_rnn_fields = {"rnn", rnn_fields, 3, sizeof(tarn_rnn), NULL};
const tarn_fields tarn_gru_fields = {"gru", gru_fields, 4, sizeof(tarn_gru), NULL};
const tarn_fields tarn_lstm_fields = {"lstm", lstm_fields, 3, sizeof(tarn_lstm), NULL};

/* Weights [rows, columns], or [rows], uniform within 1 / sqrt(hidden). */
static bool fill(tarn_array **member, tarn_array **key, tarn_ints shape, int64_t hidden, tarn_dtype dtype) {
    return tarn_assign(member, init_uniform(key, shape, dtype, 1 / sqrt((double)hidden)));
}

bool tarn_rnn_init_with(tarn_rnn *m, int64_t inputs, int64_t hidden, tarn_array **key, tarn_layer_options o) {
    if (!REQUIRE_AS(m, "layer")) return false;
    *m = (tarn_rnn){0};
    return fill(&m->Wxh, key, TARN_SHAPE(hidden, inputs), hidden, o.dtype) &&
           fill(&m->Whh, key, TARN_SHAPE(hidden, hidden), hidden, o.dtype) &&
           (o.no_bias || fill(&m->bias, key, TARN_SHAPE(hidden), hidden, o.dtype));
}

bool tarn_gru_init_with(tarn_gru *m, int64_t inputs, int64_t hidden, tarn_array **key, tarn_layer_options o) {
    if (!REQUIRE_AS(m, "layer")) return false;
    *m = (tarn_gru){0};
    return fill(&m->Wx, key, TARN_SHAPE(3 * hidden, inputs), hidden, o.dtype) &&
           fill(&m->Wh, key, TARN_SHAPE(3 * hidden, hidden), hidden, o.dtype) &&
           (o.no_bias || (fill(&m->b, key, TARN_SHAPE(3 * hidden), hidden, o.dtype) &&
                          fill(&m->bhn, key, TARN_SHAPE(hidden), hidden, o.dtype)));
}

bool tarn_lstm_init_with(tarn_lstm *m, int64_t inputs, int64_t hidden, tarn_array **key, tarn_layer_options o) {
    if (!REQUIRE_AS(m, "layer")) return false;
    *m = (tarn_lstm){0};
    return fill(&m->Wx, key, TARN_SHAPE(4 * hidden, inputs), hidden, o.dtype) &&
           fill(&m->Wh, key, TARN_SHAPE(4 * hidden, hidden), hidden, o.dtype) &&
           (o.no_bias || fill(&m->bias, key, TARN_SHAPE(4 * hidden), hidden, o.dtype));
}

/* ---- steps */

static tarn_array *product(tarn_array *x, tarn_array *weight, tarn_array *bias) {
    tarn_array *transposed = tarn_transpose(weight);
    return bias ? tarn_addmm(bias, x, transposed) : tarn_matmul(x, transposed);
}

/* Part k of the last axis, which holds several of `size`. */
static tarn_array *part(tarn_array *x, int64_t k, int64_t size) {
    return tarn_slice_axis(x, -1, k * size, (k + 1) * size);
}

/* One step: x is what the step's input contributes; hidden and cell, NULL at first, are replaced. */
typedef bool (*cell_step)(const void *layer, tarn_array *x, tarn_array **hidden, tarn_array **cell);

static bool run(const void *layer, cell_step next, tarn_array **steps, int64_t length, tarn_array **hidden,
                tarn_array **cell, tarn_array **cells) {
    for (int64_t t = 0; t < length; t++) {
        if (!next(layer, steps[t], hidden, cell)) return false;
        steps[t] = *hidden;
        if (cells) cells[t] = *cell;
    }
    return true;
}

/* All steps of x [..., length, width]; *cells, if asked for, is stacked like the result. */
static tarn_array *over_time(const char *what, const void *layer, cell_step next, tarn_array *x, tarn_array *hidden,
                             tarn_array *cell, tarn_array **cells) {
    int64_t length = tarn_dim(x, -2);
    if (!x) return NULL;
    if (tarn_ndim(x) < 2 || !length) return tarn_fail("%s: x is [batch, length of at least 1, inputs]", what), NULL;
    tarn_array **steps = NEW_ARRAY(tarn_array *, length), **kept = NEW_ARRAY(tarn_array *, length), *result = NULL;
    if (steps && kept && tarn_unstack(x, steps, .axis = TARN_AXIS(-2)) &&
        run(layer, next, steps, length, &hidden, &cell, cells ? kept : NULL)) {
        result = tarn_stack(steps, (int)length, .axis = TARN_AXIS(-2));
        if (cells) *cells = tarn_stack(kept, (int)length, .axis = TARN_AXIS(-2));
    }
    memory_free(steps);
    memory_free(kept);
    return result;
}

static bool rnn_step(const void *layer, tarn_array *x, tarn_array **hidden, tarn_array **cell) {
    const tarn_rnn *m = layer;
    (void)cell;
    if (*hidden) x = tarn_add(x, product(*hidden, m->Whh, NULL));
    return (*hidden = tarn_tanh(x)) != NULL;
}

tarn_array *tarn_rnn_forward(const tarn_rnn *m, tarn_array *x, tarn_array *hidden) {
    if (!REQUIRE_AS(m, "layer")) return NULL;
    return over_time("rnn", m, rnn_step, product(x, m->Wxh, m->bias), hidden, NULL, NULL);
}

static bool gru_step(const void *layer, tarn_array *x, tarn_array **hidden, tarn_array **cell) {
    const tarn_gru *m = layer;
    int64_t n = tarn_dim(m->Wh, 1);
    (void)cell;
    tarn_array *gates = tarn_slice_axis(x, -1, 0, 2 * n), *fresh = part(x, 2, n), *from = NULL;
    if (*hidden) {
        tarn_array *h = product(*hidden, m->Wh, NULL);
        gates = tarn_add(gates, tarn_slice_axis(h, -1, 0, 2 * n));
        from = part(h, 2, n);
    }
    gates = tarn_sigmoid(gates);
    if (m->bhn) from = from ? tarn_add(from, m->bhn) : m->bhn;
    if (from) fresh = tarn_add(fresh, tarn_multiply(part(gates, 0, n), from));
    tarn_array *z = part(gates, 1, n), *h = tarn_multiply(tarn_subtract(tarn_scalar_like(1, z), z), tarn_tanh(fresh));
    *hidden = *hidden ? tarn_add(h, tarn_multiply(z, *hidden)) : h;
    return *hidden != NULL;
}

tarn_array *tarn_gru_forward(const tarn_gru *m, tarn_array *x, tarn_array *hidden) {
    if (!REQUIRE_AS(m, "layer")) return NULL;
    return over_time("gru", m, gru_step, product(x, m->Wx, m->b), hidden, NULL, NULL);
}

static bool lstm_step(const void *layer, tarn_array *x, tarn_array **hidden, tarn_array **cell) {
    const tarn_lstm *m = layer;
    int64_t n = tarn_dim(m->Wh, 1);
    if (*hidden) x = tarn_add(x, product(*hidden, m->Wh, NULL));
    tarn_array *c = tarn_multiply(tarn_sigmoid(part(x, 0, n)), tarn_tanh(part(x, 2, n)));
    *cell = *cell ? tarn_add(tarn_multiply(tarn_sigmoid(part(x, 1, n)), *cell), c) : c;
    *hidden = tarn_multiply(tarn_sigmoid(part(x, 3, n)), tarn_tanh(*cell));
    return *hidden != NULL;
}

tarn_array *tarn_lstm_forward(const tarn_lstm *m, tarn_array *x, tarn_array *hidden, tarn_array *cell,
                              tarn_array **cells) {
    if (!REQUIRE_AS(m, "layer")) return NULL;
    return over_time("lstm", m, lstm_step, product(x, m->Wx, m->bias), hidden, cell, cells);
}
