/* In hard mode an array that is used after its scope ended is an error, for every function that is given one, as long
   as the library remembers it. */
#include <stdlib.h>

#include "check.h"
#include "core/array.h"
#include "tarn/tarn.h"

static const char words[] = "array used after its scope ended";

static tarn_array *gone(void) {
    TARN_SCOPE;
    return tarn_add(tarn_ones(TARN_SHAPE(4), TARN_FLOAT32), tarn_ones(TARN_SHAPE(4), TARN_FLOAT32));
}

static bool drop_fails(tarn_array *a) {
    tarn_drop(a);
    return tarn_ok();
}
static bool f(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_sum(x[0]));
}

static void test_uses(void) {
    TARN_SCOPE;
    tarn_array *a = gone(), *b = tarn_ones(TARN_SHAPE(4), TARN_FLOAT32);
    tarn_layout layout;
    float out[4];
    CHECK_ERROR(tarn_add(b, a), words);
    CHECK_ERROR(tarn_concatenate(TARN_ARRAYS(b, a), 2), words);
    CHECK_ERROR(tarn_eval(b, a), words);
    CHECK_ERROR(tarn_async_eval(a), words);
    CHECK_ERROR(tarn_data(a), words);
    CHECK_ERROR(tarn_read(a, out, sizeof out), words);
    CHECK_ERROR(tarn_detach(a), words);
    CHECK_ERROR(tarn_is_computed(a), words);
    CHECK_ERROR(tarn_pin(a, &layout), words);
    CHECK_ERROR(tarn_keep(a), words);
    CHECK_ERROR(tarn_own(a), words);
    CHECK_ERROR(tarn_move(a), words);
    CHECK_ERROR(tarn_return(a), words);
    CHECK_ERROR(drop_fails(a), words);
    CHECK_ERROR(tarn_dump_text(&a, 1), words);
    CHECK_ERROR(tarn_grad(TARN_FUNCTION(f, NULL), &a, 1), words);
    CHECK_ERROR(tarn_call(TARN_FUNCTION(f, NULL), &a, 1), words);
    CHECK_ERROR(tarn_add(a, b), "add: array used after its scope ended"); /* it names who asked */
    CHECK(tarn_item(tarn_sum(b)) == 4);
}

/* A keep that was dropped once too often, and a result that outlived its graph. */
static void test_kept(void) {
    TARN_SCOPE;
    tarn_array *a;
    {
        TARN_SCOPE;
        a = tarn_keep(tarn_ones(TARN_SHAPE(2), TARN_FLOAT32));
    }
    CHECK(tarn_item(tarn_sum(a)) == 2);
    tarn_drop(a);
    CHECK_ERROR(drop_fails(a), words);
    CHECK_ERROR(tarn_sum(a), words);
}

int main(void) {
    setenv("TARN_HARD", "1", 1); /* before anything of Tarn is used: memory has guards from the first allocation on */
    test_uses();
    test_kept();
    return check_report("quarantine");
}
