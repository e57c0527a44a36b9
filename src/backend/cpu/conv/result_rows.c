#include "cpu/conv/result_rows.h"

#include "cpu/sizes.h"

static void describe_phases(conv_rows *r) {
    r->first = INT64_MAX;
    for (int64_t i = 0; i < r->phase_count; i++) {
        conv_phase *f = &r->phases[i];
        *f = conv_phase_of(&r->along[r->last], i, r->taps, r->out->shape[r->last + 1]);
        r->begins[i] = i ? r->begins[i - 1] + r->phases[i - 1].taps : 0;
        if (f->taps > 0 && f->first < r->first) r->first = f->first;
    }
    if (r->first == INT64_MAX) r->first = 0; /* no phase has a tap */
    r->place_step = r->phases[0].place_step;
    r->most = r->phases[0].places;
}

bool conv_rows_of(conv_rows *r, const call *c) {
    const attributes_conv *a = c->attributes;
    const operand *x = &c->inputs[0], *w = &c->inputs[1], *out = &c->outputs[0];
    *r = (conv_rows){.x = x, .w = w, .out = out, .last = x->ndim - 3, .flip = a->flip};
    if (r->last >= CONV_ROW_AXES || a->groups != 1) return false;
    for (int i = 0; i <= r->last; i++) r->along[i] = conv_axis_of(a, i, w->shape[i + 1]);
    r->dtype = matmul_dtype_of(out->dtype);
    r->channels = x->shape[x->ndim - 1];
    r->outs = w->shape[0];
    r->rows = product_of_sizes(out->shape + 1, r->last);
    r->outer_taps = product_of_sizes(w->shape + 1, r->last);
    r->taps = w->shape[r->last + 1];
    r->phase_count = conv_phases_of(&r->along[r->last]);
    if (r->phase_count > CONV_ROW_PHASES || r->taps > CONV_ROW_TAPS) return false;
    if (r->channels == 0 || product_of_sizes(x->shape + 1, r->last + 1) == 0) return false;
    if (r->outs == 0 || r->rows * out->shape[r->last + 1] == 0) return false;
    describe_phases(r);
    return true;
}

int64_t conv_most_distance(const conv_rows *r) {
    int64_t most = 0;
    for (int64_t i = 0; i < r->phase_count; i++) {
        const conv_phase *f = &r->phases[i];
        int64_t d = f->taps > 0 ? conv_distance(r, f, f->taps - 1) : 0;
        if (d > most) most = d;
    }
    return most;
}

int64_t conv_near_lines(const conv_rows *r) {
    int64_t lines = 1;
    for (int i = 0; i < r->last; i++) {
        const conv_axis *a = &r->along[i];
        if (!checked_mul(lines, conv_reach(a, r->w->shape[i + 1]) / a->input_dilation + 1, &lines)) return INT64_MAX;
    }
    return lines;
}

int64_t conv_weight_offset(const conv_rows *r, int64_t outer, int64_t tap, int64_t channel, int64_t out) {
    const operand *w = r->w;
    int64_t place[CONV_ROW_AXES], at = out * w->strides[0] + channel * w->strides[w->ndim - 1];
    split_index(outer * r->taps + tap, w->shape + 1, r->last + 1, place);
    for (int i = 0; i <= r->last; i++) at += (r->flip ? w->shape[i + 1] - 1 - place[i] : place[i]) * w->strides[i + 1];
    return at;
}

int64_t conv_line_of(const conv_rows *r, int64_t row, int64_t outer) {
    int64_t line = 0, place[CONV_ROW_AXES], tap[CONV_ROW_AXES];
    split_index(row, r->out->shape + 1, r->last, place);
    split_index(outer, r->w->shape + 1, r->last, tap);
    for (int i = 0; i < r->last; i++) {
        const conv_axis *a = &r->along[i];
        int64_t at = place[i] * a->stride + tap[i] * a->kernel_dilation - a->low;
        if (at < 0 || at % a->input_dilation || at / a->input_dilation >= r->x->shape[i + 1]) return -1;
        line = line * r->x->shape[i + 1] + at / a->input_dilation;
    }
    return line;
}

int64_t conv_line_offset(const conv_rows *r, int64_t image, int64_t line) {
    int64_t place[CONV_ROW_AXES], offset = image * r->x->strides[0];
    split_index(line, r->x->shape + 1, r->last, place);
    for (int i = 0; i < r->last; i++) offset += place[i] * r->x->strides[i + 1];
    return offset;
}

int64_t conv_image_lines(const conv_rows *r) {
    return product_of_sizes(r->x->shape + 1, r->last);
}
