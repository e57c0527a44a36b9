/* Plans: calls that were prepared once, with the place of each operand instead of its address. */
#include "mock/mock.h"

#include "base/memory.h"

typedef struct {
    call call;
    int first_place;
} planned_call;

struct backend_plan {
    planned_call *calls;
    operand_place *places;
    int device, count, bases;
    int64_t reserved;
};

static int operand_count(const call *c) {
    return c->input_count + c->output_count;
}

void mock_plan_free(backend_plan *plan) {
    if (!plan) return;
    memory_free(plan->calls);
    memory_free(plan->places);
    mock_reserve(plan->device, -plan->reserved);
    memory_free(plan);
    mock_add(COUNT_PLANS, -1);
}

backend_plan *mock_prepare(int device, const call *calls, int count, const operand_place *places, int bases) {
    int64_t reserved = mock_plan_bytes();
    int place_count = 0;
    for (int i = 0; i < count; i++) place_count += operand_count(&calls[i]) + 1;
    if (!mock_reserve(device, reserved)) return NULL;
    backend_plan *plan = NEW(backend_plan);
    if (!plan) return mock_reserve(device, -reserved), mock_report(false), NULL;
    mock_add(COUNT_PLANS, 1);
    *plan = (backend_plan){.device = device,
                           .count = count,
                           .bases = bases,
                           .reserved = reserved,
                           .calls = NEW_ARRAY(planned_call, count),
                           .places = memory_copy(places, (size_t)place_count * sizeof *places)};
    if (!plan->calls || !plan->places) {
        mock_plan_free(plan);
        return mock_report(false), NULL;
    }
    for (int i = 0, at = 0; i < count; at += operand_count(&calls[i]) + 1, i++)
        plan->calls[i] = (planned_call){calls[i], at};
    return plan;
}

static void *address(operand_place p, void *const *bases) {
    return p.base < 0 ? NULL : (char *)bases[p.base] + p.offset;
}

bool mock_plan_call(const backend_plan *plan, int i, void *const *bases, const call *given, operand *room, call *out) {
    const planned_call *p = &plan->calls[i];
    const operand_place *places = plan->places + p->first_place;
    int count = operand_count(given);
    bool same = i < plan->count && p->call.op == given->op && operand_count(&p->call) == count;
    *out = *given;
    out->inputs = room;
    out->outputs = room + given->input_count;
    for (int k = 0; same && k < count; k++) {
        room[k] = k < given->input_count ? given->inputs[k] : given->outputs[k - given->input_count];
        void *data = address(places[k], bases);
        same = data == room[k].data;
        room[k].data = data;
    }
    out->workspace = same ? address(places[count], bases) : NULL;
    if (same && out->workspace == given->workspace) return true;
    return mock_violation("mock: call %d of a plan, %s, is not what it was prepared from", i, op_name(given->op));
}
