/* Every op that needs a kernel, in plain C in the widest type of its kind: slow, complete, and what the other backends are compared with.
 */
#include "reference/reference.h"

static const kernel_row *const *rows(op_id op, int *count) {
#define ROW_POINTER(op) [OP_##op] = &reference_##op,
    static const kernel_row *const table[OP_COUNT_WITH_GROUP] = {REFERENCE_OPS(ROW_POINTER)};
    *count = op < OP_COUNT_WITH_GROUP && table[op];
    return *count ? &table[op] : NULL;
}

const backend backend_reference = {.version = BACKEND_VERSION, .name = "reference", .host_memory = true, .rows = rows};
