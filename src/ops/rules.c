/* The rules of each op, found by its id: rules_<op> of its family's file. */
#include "ops/build.h"

extern const op_rules rules_elementwise, rules_keeping;
#define FUSED(name, ...)      extern const op_rules rules_##name;
#define STRUCTURAL(name, ...) extern const op_rules rules_##name;
#include "table/fused.def"
#include "table/structural.def"
#undef FUSED
#undef STRUCTURAL

static const op_rules *const all[OP_COUNT] = {
#define FUSED(name, ...)      [OP_##name] = &rules_##name,
#define STRUCTURAL(name, ...) [OP_##name] = &rules_##name,
#include "table/fused.def"
#include "table/structural.def"
};

const op_rules *rules_of(op_id op) {
    if (!op_is_elementwise(op)) return all[op];
    return op_facts[op].kept ? &rules_keeping : &rules_elementwise;
}
