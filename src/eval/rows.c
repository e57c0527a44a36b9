/* Choosing the kernel for a call. */
#include <stdlib.h>
#include <string.h>

#include "eval/program.h"

/* TARN_WITHOUT=softmax,attention: the device's own rows of these ops are passed over (the formula or the reference serves), for tests. */
static bool is_switched_off(op_id op) {
    const char *list = getenv("TARN_WITHOUT"), *name = op_name(op);
    size_t length = strlen(name);
    for (const char *p = list; p && (p = strstr(p, name)); p += length)
        if ((p == list || p[-1] == ',') && (p[length] == 0 || p[length] == ',')) return true;
    return false;
}

static const operand *selected(const call *c, int selector) {
    int i = selector >= 0 ? selector : -1 - selector;
    if (selector >= 0) return i < c->input_count ? &c->inputs[i] : NULL;
    return i < c->output_count ? &c->outputs[i] : NULL;
}

static const kernel_row *first_fitting(const backend *b, const call *c) {
    int count = 0;
    const kernel_row *const *rows = b->rows(c->op, &count);
    for (int i = 0; i < count; i++) {
        const operand *o = selected(c, rows[i]->selector);
        if (o && !(rows[i]->dtypes & DTYPE_BIT(o->dtype))) continue;
        if (!rows[i]->supports || rows[i]->supports(c)) return rows[i];
    }
    return NULL;
}

const kernel_row *find_row(int slot, const call *c) {
    const kernel_row *row = is_switched_off(c->op) ? NULL : first_fitting(slot_backend(slot), c);
    return row || slot != DEVICE_HOST ? row : first_fitting(&backend_reference, c);
}
