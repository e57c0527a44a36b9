#include "eval/hard.h"

#include <string.h>

#include "base/hard.h"

/* The memory of output k if the step is the first to write it: of inputs, which may be foreign, nothing is known. */
static char *fresh_output(const program *p, int index, const call *c, int k, int64_t *bytes) {
    int v = p->steps.items[index].outputs[k];
    const value *it = v < 0 ? NULL : &p->values.items[v];
    const storage *t = it ? &p->storages.items[it->storage] : NULL;
    if (!t || t->input >= 0 || t->first != index || t->bytes == 0) return NULL;
    *bytes = t->bytes;
    return (char *)c->outputs[k].data - it->at.offset * dtype_bytes(it->dtype);
}

void hard_fill_outputs(const program *p, int index, const call *c) {
    for (int k = 0; k < c->output_count; k++) {
        int64_t bytes;
        char *memory = fresh_output(p, index, c, k, &bytes);
        if (memory) memset(memory, HARD_PATTERN, (size_t)bytes + HARD_GUARD);
    }
}

bool hard_guards_hold(const program *p, int index, const call *c) {
    for (int k = 0; k < c->output_count; k++) {
        int64_t bytes;
        const unsigned char *memory = (const unsigned char *)fresh_output(p, index, c, k, &bytes);
        for (int i = 0; memory && i < HARD_GUARD; i++)
            if (memory[bytes + i] != HARD_PATTERN) return false;
    }
    return true;
}
