/* The beginning of C functions that are more than one node: what they look into is checked, and errors inside them name
   the function that the user called, not what it is made of.

   tarn_array *tarn_moveaxis(tarn_array *x, int64_t from, int64_t to) {
       FRONT("moveaxis");
       REQUIRE(x); */
#ifndef OPS_FRONT_H
#define OPS_FRONT_H

#include "ops/build.h"

typedef struct {
    const char *name;
    bool outermost; /* fronts call fronts: the first one is what the user called */
} front;

front front_begin(const char *name);
void front_end(front *f);
/* False, with the error set, if one of the inputs is NULL or no operation may be made now. */
bool front_require(const front *f, tarn_array *const *inputs, int count);
bool front_require_dtype(const front *f, tarn_dtype dtype);
bool front_require_list(const front *f, tarn_ints list);

/* An axis that is not given is that of x flattened. */
static inline tarn_array *flat_unless(tarn_axis given, tarn_array *x) {
    return given.given ? x : tarn_flatten(x);
}

#define FRONT(name) __attribute__((cleanup(front_end), unused)) front front_ = front_begin(name)
#define REQUIRE_THAT(test)                                                                                             \
    do                                                                                                                 \
        if (!(test)) return 0;                                                                                         \
    while (0)
#define REQUIRE(...)         REQUIRE_THAT(front_require(&front_, TARN_ARRAYS(__VA_ARGS__), TARN_COUNT(__VA_ARGS__)))
#define REQUIRE_DTYPE(dtype) REQUIRE_THAT(front_require_dtype(&front_, dtype))
#define REQUIRE_LIST(list)   REQUIRE_THAT(front_require_list(&front_, list))

#endif
