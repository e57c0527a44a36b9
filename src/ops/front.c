/* The names of functions in errors, and the checks that come before one looks into an input. */
#include "ops/front.h"

#include "base/error.h"
#include "base/list.h"
#include "core/scope.h"

static _Thread_local bool inside;

front front_begin(const char *name) {
    front f = {.name = tarn_ok() ? name : NULL, .outermost = !inside};
    inside = true;
    return f;
}

void front_end(front *f) {
    if (!f->outermost) return;
    inside = false;
    if (f->name && !tarn_ok()) error_name_function(f->name);
}

bool front_require(const front *f, tarn_array *const *inputs, int count) {
    if (!tarn_ok() || !scope_check_open(f->name)) return false;
    for (int i = 0; i < count; i++)
        if (!inputs[i]) return tarn_fail("%s: input %d is NULL", f->name, i);
    return true;
}

bool front_require_dtype(const front *f, tarn_dtype dtype) {
    return (unsigned)dtype < TARN_DTYPE_COUNT ||
           tarn_fail_kind(TARN_ERROR_TYPE, "%s: dtype %d does not exist", f->name, (int)dtype);
}

bool front_require_list(const front *f, tarn_ints list) {
    return list_check(f->name, "", list);
}
