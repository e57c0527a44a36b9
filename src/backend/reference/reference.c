/* Every op that needs a kernel, in plain C in the widest type of its kind: slow, complete, and what the other backends
   are compared with. The table says which ops do; one without its row here does not link. */
#include "reference/reference.h"

/* OP(op) for the kinds that have a kernel. */
#define KIND_KERNEL(op) OP(op)
#define KIND_UPDATE(op) OP(op)
#define KIND_EFFECT(op) OP(op)
#define KIND_VIEW(op)
#define KIND_LIKE(op)
#define KIND_LEAF(op)
#define KIND_CAST(op)
#define STRUCTURAL(op, least, most, outputs, kind, list, doc) KIND_##kind(op)

#define OP(op) extern const kernel_row reference_##op;
OP(group)
#include "table/structural.def"
#undef OP

static const kernel_row *const *rows(int device, op_id op, int *count) {
    (void)device;
#define OP(op) [OP_##op] = &reference_##op,
    static const kernel_row *const table[OP_COUNT_WITH_GROUP] = {OP(group)
#include "table/structural.def"
    };
    *count = op < OP_COUNT_WITH_GROUP && table[op];
    return *count ? &table[op] : NULL;
}

const backend backend_reference = {.version = BACKEND_VERSION, .name = "reference", .host_memory = true, .rows = rows};
