/* Shapes and indexing over arrays of more than 2^31 elements, views whose span is larger, and empty arrays with large
   axes. */
#include "large.h"

static tarn_array *x; /* the marks */

static tarn_array *square(tarn_array *a) {
    return tarn_reshape(a, TARN_SHAPE(SIDE, SIDE));
}
static tarn_array *places(const int64_t *values, int64_t count) {
    return tarn_from_data(values, TARN_SHAPE(count), TARN_INT64);
}
static int64_t sum_of(tarn_array *a) {
    return tarn_item_int(tarn_sum(a)); /* of uint8 a uint32 */
}
enum { SUM = MARKS * (MARKS + 1) / 2 };

static void views(void) {
    for (int i = 0; i < MARKS; i++) {
        CHECK(large_at(x, marks[i]) == i + 1 && large_at(x, marks[i] - MANY) == i + 1);
        CHECK(large_at(tarn_flip(x), MANY - 1 - marks[i]) == i + 1);
        CHECK(tarn_item_int(tarn_index(square(x), TARN_INDEX(TARN_AT(marks[i] / SIDE), TARN_AT(marks[i] % SIDE)))) ==
              i + 1);
        CHECK(tarn_item_int(tarn_index(tarn_transpose(square(x)),
                                       TARN_INDEX(TARN_AT(marks[i] % SIDE), TARN_AT(marks[i] / SIDE)))) == i + 1);
    }
    CHECK(large_at(tarn_index(x, TARN_INDEX(TARN_STEPS(0, TARN_END, HALF))), 1) == 4);
    CHECK(large_at(tarn_index(x, TARN_INDEX(TARN_STEPS(-1, TARN_BEGIN, 1 - MANY))), 1) == 1);
    CHECK(sum_of(tarn_as_strided(x, TARN_SHAPE(2, 2), TARN_INTS(HALF, 5))) == 1 + 0 + 4 + 5);
    CHECK(large_at(tarn_view(tarn_slice_axis(x, 0, 0, MANY), TARN_UINT16), (MANY - 1) / 2) == MARKS << 8);
    CHECK(tarn_item_int(tarn_max(tarn_diagonal(square(x)))) == MARKS);
    tarn_array *parts[2];
    CHECK(tarn_split_at(x, TARN_INTS(HALF), parts) && large_at(parts[1], 0) == 4);
    CHECK(tarn_unstack(tarn_reshape(x, TARN_SHAPE(2, -1)), parts) && large_at(parts[1], MANY / 2 - 1) == MARKS);
}

static void beyond_memory(void) {
    int64_t huge = INT64_C(1) << 40;
    tarn_array *wide = tarn_broadcast_to(tarn_arange(0, 3, 1, TARN_UINT8), TARN_SHAPE(huge, 3));
    CHECK(sum_of(tarn_index(wide, TARN_INDEX(TARN_STEPS(huge - 1, TARN_BEGIN, 1 - huge)))) == 6);
    CHECK(sum_of(tarn_diagonal(wide, .offset = 1 - huge)) == 0);
    CHECK(large_at(tarn_index(tarn_flip(wide), TARN_INDEX(TARN_AT(-1))), 0) == 2);
    CHECK(sum_of(tarn_take(wide, places((int64_t[]){huge - 1, -huge}, 2), .axis = TARN_AXIS(0), .check = true)) == 6);
    char *text = tarn_format(wide);
    CHECK(text && strstr(text, "..."));
    tarn_free(text);
}

static void moved(void) {
    tarn_array *rolled = tarn_roll(x, TARN_INTS(-HALF));
    CHECK(large_at(rolled, 0) == 4 && large_at(rolled, MANY - HALF) == 1 && sum_of(rolled) == SUM);
}
static void padded(void) {
    tarn_array *wide = tarn_pad(x, TARN_INTS(1), TARN_INTS(2), .value = tarn_scalar(9, TARN_UINT8));
    CHECK(large_at(wide, 0) == 9 && large_at(wide, MANY) == MARKS && large_at(wide, MANY + 1) == 9);
}
static void mirrored(void) {
    tarn_array *wide = tarn_pad(x, TARN_INTS(20), TARN_INTS(1), .mode = TARN_PAD_REFLECT);
    CHECK(large_at(wide, 3) == 2 && large_at(wide, 37) == 2 && large_at(wide, MANY + 19) == MARKS);
}
static void tiled(void) {
    tarn_array *a = tarn_tile(tarn_arange(0, 256, 1, TARN_UINT8), TARN_SHAPE((HALF >> 8) + 3));
    CHECK(large_at(a, HALF + 300) == 44 && tarn_size(a) == HALF + 768);
}
static void joined(void) {
    tarn_array *half = tarn_broadcast_to(tarn_scalar(1, TARN_UINT8), TARN_SHAPE(HALF)),
               *two = tarn_scalar(2, TARN_UINT8);
    tarn_array *a = tarn_concatenate(TARN_ARRAYS(half, tarn_reshape(two, TARN_SHAPE(1))), 2);
    CHECK(large_at(a, HALF) == 2 && large_at(a, HALF - 1) == 1);
}
static void turned(void) {
    tarn_array *a = tarn_contiguous(tarn_transpose(square(x)));
    for (int i = 0; i < MARKS; i++)
        CHECK(tarn_item_int(tarn_index(a, TARN_INDEX(TARN_AT(marks[i] % SIDE), TARN_AT(marks[i] / SIDE)))) == i + 1);
}

static void taken(void) {
    tarn_array *at = places(marks, MARKS), *rows = tarn_floor_divide(at, tarn_scalar_int(SIDE, TARN_INT64)),
               *columns = tarn_remainder(at, tarn_scalar_int(SIDE, TARN_INT64));
    CHECK(sum_of(tarn_take(x, at)) == SUM);
    CHECK(sum_of(tarn_take(x, tarn_subtract(at, tarn_scalar_int(MANY, TARN_INT64)), .check = true)) == SUM);
    CHECK(sum_of(tarn_index(square(x), TARN_INDEX(TARN_PICK(rows), TARN_PICK(columns)))) == SUM);
    CHECK(sum_of(tarn_take_along_axis(x, at, .axis = TARN_AXIS(0))) == SUM);
    CHECK_ERROR(tarn_eval(tarn_take(x, places((int64_t[]){MANY}, 1), .check = true)), "index 2147580964 on axis 0");
    CHECK(large_at(tarn_slice_array(x, places((int64_t[]){HALF}, 1), TARN_AXES(0), TARN_SHAPE(6)), 5) == 5);
}
static void many_indices(void) {
    static const uint8_t table[] = {7, 8, 9};
    tarn_array *indices = tarn_minimum(x, tarn_scalar(2, TARN_UINT8));
    tarn_array *a = tarn_take(tarn_from_data(table, TARN_SHAPE(3), TARN_UINT8), indices);
    CHECK(large_at(a, 1) == 7 && large_at(a, 0) == 8 && large_at(a, MANY - 1) == 9);
}
static void masked(void) {
    tarn_array *found[1], *mask = tarn_not_equal(x, tarn_scalar(0, TARN_UINT8));
    int64_t got[MARKS];
    CHECK(tarn_nonzero(mask, found) && tarn_read(found[0], got, sizeof got) && memcmp(got, marks, sizeof got) == 0);
    CHECK(sum_of(tarn_index(x, TARN_INDEX(TARN_PICK(mask)))) == SUM);
    tarn_array *set = tarn_index_update(x, TARN_INDEX(TARN_PICK(mask)), tarn_arange(10, 10 + MARKS, 1, TARN_UINT8));
    CHECK(large_at(set, 0) == 10 && large_at(set, MANY - 1) == 10 + MARKS - 1 && large_at(set, 1) == 0);
}
static void updated(void) {
    tarn_array *one = tarn_scalar(1, TARN_UINT8);
    tarn_array *a = tarn_index_update(x, TARN_INDEX(TARN_SPAN(HALF - 1, HALF + 6)), one, .mode = TARN_SCATTER_ADD);
    CHECK(large_at(a, HALF) == 5 && large_at(a, HALF + 5) == 6 && large_at(a, HALF + 6) == 0);
    a = tarn_index_update(tarn_move(a), TARN_INDEX(TARN_PICK(places((int64_t[]){MANY - 1, -1}, 2))), one,
                          .mode = TARN_SCATTER_ADD);
    CHECK(large_at(a, MANY - 1) == MARKS + 2);
    a = tarn_index_update(square(a), TARN_INDEX(TARN_BACKWARDS, TARN_AT(-1)), one);
    CHECK(large_at(tarn_flatten(a), MANY - 1) == 1);
}

static void empty(void) {
    int64_t huge = INT64_C(1) << 40;
    tarn_array *none = tarn_zeros(TARN_SHAPE(huge, 0, 3), TARN_UINT8), *found[3];
    CHECK(tarn_eval(tarn_flip(none), tarn_roll(none, TARN_INTS(HALF), .axes = TARN_AXES(0)),
                    tarn_tile(none, TARN_SHAPE(2)), tarn_diagonal(none),
                    tarn_index(none, TARN_INDEX(TARN_STEPS(-1, TARN_BEGIN, -HALF))),
                    tarn_concatenate(TARN_ARRAYS(none, none), 2), tarn_pad(none, TARN_INTS(0), TARN_INTS(0))));
    CHECK(tarn_nonzero(none, found) && tarn_size(found[2]) == 0);
    CHECK(tarn_eval(tarn_index_update(none, TARN_INDEX(TARN_AT(huge - 1)), tarn_scalar(1, TARN_UINT8))));
}

int main(void) {
    if (!large_begin()) return puts("skipped: no memory"), 77;
    int scope = tarn_scope_begin();
    x = tarn_keep(large_marks(MARKS));
    CHECK(tarn_eval(x));
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {{"views", views},
                 {"views beyond memory", beyond_memory},
                 {"roll", moved},
                 {"pad", padded},
                 {"pad, mirrored", mirrored},
                 {"tile", tiled},
                 {"concatenate", joined},
                 {"contiguous", turned},
                 {"take", taken},
                 {"many indices", many_indices},
                 {"masks", masked},
                 {"updates", updated},
                 {"empty", empty}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) large_case(cases[i].name, cases[i].run);
    tarn_drop(x);
    tarn_scope_end(&scope);
    return check_report("large shapes");
}
