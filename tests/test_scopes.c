/* Scopes that are left by a jump end with the one around them. */
#include <setjmp.h>

#include "check.h"
#include "core/array.h"
#include "tarn/tarn.h"

static jmp_buf out;

static void jumps(void) {
    TARN_SCOPE;
    tarn_ones(TARN_SHAPE(4), TARN_FLOAT32);
    longjmp(out, 1);
}

static void leave_by_jump(void) {
    TARN_SCOPE;
    tarn_array *before = tarn_scalar(1, TARN_FLOAT32);
    if (!setjmp(out)) jumps();
    tarn_array *after = tarn_add(before, tarn_scalar(2, TARN_FLOAT32));
    CHECK(tarn_item(after) == 3);
}

int main(void) {
    for (int i = 0; i < 3; i++) leave_by_jump();
    CHECK(node_alive_count() == 0);
    tarn_scope_end(NULL);
    tarn_scope_end(&(int){5}); /* none is that deep */
    int scope = tarn_scope_begin();
    CHECK(scope == 1);
    tarn_scope_end(&scope);
    tarn_scope_end(&scope); /* ended already */
    CHECK(!tarn_scalar(1, TARN_FLOAT32) && tarn_error());
    tarn_clear_error();
    return check_report("scopes");
}
