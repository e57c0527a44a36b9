/* Choosing the kernel for a call. */
#include "base/settings.h"
#include "eval/program.h"

static const operand *selected(const call *c, int selector) {
    int i = selector >= 0 ? selector : -1 - selector;
    if (selector >= 0) return i < c->input_count ? &c->inputs[i] : NULL;
    return i < c->output_count ? &c->outputs[i] : NULL;
}

static const kernel_row *first_fitting(const backend *b, int device, const call *c) {
    int count = 0;
    const kernel_row *const *rows = b->rows(device, c->op, &count);
    for (int i = 0; i < count; i++) {
        const operand *o = selected(c, rows[i]->selector);
        if (o && !(rows[i]->dtypes & DTYPE_BIT(o->dtype))) continue;
        if (!rows[i]->supports || rows[i]->supports(c)) return rows[i];
    }
    return NULL;
}

void face_device(const step *st) {
    int count;
    st->stream->backend->rows(st->stream->device.index, st->op, &count);
}

const kernel_row *find_row(int slot, const call *c) {
    /* The device's own rows of ops in TARN_WITHOUT are passed over: the formula or the reference serves. */
    const kernel_row *row =
        settings_without(op_name(c->op)) ? NULL : first_fitting(slot_backend(slot), slot_device_index(slot), c);
    return row || slot != DEVICE_HOST ? row : first_fitting(&backend_reference, 0, c);
}
