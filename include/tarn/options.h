/* How calls are written: lists of numbers, and arguments that may be left out.

   Required arguments are parameters; results that do not fit the return value come after them; what may be left out is
   named, last:

       tarn_sum(x, .axes = TARN_AXES(-1), .keepdims = true)

   Absent is not zero. An option in which zero is a value has a type of its own, .axis = TARN_AXIS(0), .eps =
   TARN_VALUE(0), and is absent if it is not named; in options that are plain numbers zero means the default. A bare
   number in place of TARN_AXIS, TARN_VALUE or a list does not fit their first member, a pointer: compilers say so, as
   they do of an option without its name.

   A literal with commas that is one of the required arguments needs parentheses, because macros take the commas between
   braces for those between arguments: tarn_grad(((tarn_function){f, NULL}), &x, 1). TARN_FUNCTION, TARN_SHAPE and the
   like need none.

   In C++ options stand in braces, in the order of their declaration: tarn_sum(x, {.axes = TARN_AXES(-1), .keepdims =
   true}) from C++20 on; before it, auto o = tarn_reduce_options{}; o.keepdims = true; tarn_sum(x, o). */
#ifndef TARN_OPTIONS_H
#define TARN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#include <initializer_list>
#endif

/* A list of integers: a shape, axes, starts. {NULL, 0} is an absent list; TARN_NO_AXES is a list of none. */
typedef struct {
    const int64_t *values;
    int64_t count;
} tarn_ints;

/* Options in which zero is a value. `given` is not NULL in those that are there. */
typedef struct {
    const struct tarn_given *given;
    int64_t axis;
} tarn_axis;
typedef struct {
    const struct tarn_given *given;
    double value;
} tarn_value;
typedef struct {
    const struct tarn_given *given;
    int64_t value;
} tarn_integer;
#define TARN_GIVEN ((const struct tarn_given *)1)

/* A struct of options begins with `int begin_` and ends with `int end_`: TARN_CALL puts what it was given between the
   two, where a value without a name has no place. The number is how many arguments are required. */
#define TARN_CALL(required, function, options, ...) TARN_CALL_##required(function, options, __VA_ARGS__)

#ifdef __cplusplus
#define TARN_LITERAL(type)                  type
#define TARN_ABSENT                         = {}
#define TARN_CALL_1(function, options, ...) function(__VA_ARGS__)
#define TARN_CALL_2(function, options, ...) function(__VA_ARGS__)
#define TARN_CALL_3(function, options, ...) function(__VA_ARGS__)
#define TARN_CALL_4(function, options, ...) function(__VA_ARGS__)
#define TARN_CALL_5(function, options, ...) function(__VA_ARGS__)
/* The numbers live to the end of the whole expression. */
inline tarn_ints tarn_ints_of(std::initializer_list<int64_t> list) {
    return {list.begin(), static_cast<int64_t>(list.size())};
}
inline tarn_ints tarn_ints_none() {
    static const int64_t none = 0;
    return {&none, 0};
}
#define TARN_INTS(...) tarn_ints_of({__VA_ARGS__})
#define TARN_NO_AXES   tarn_ints_none()
#else
#define TARN_LITERAL(type) (type)
#define TARN_ABSENT
#define TARN_CALL_1(...)                                    TARN_CALL_1_(__VA_ARGS__, .begin_ = 0)
#define TARN_CALL_2(...)                                    TARN_CALL_2_(__VA_ARGS__, .begin_ = 0)
#define TARN_CALL_3(...)                                    TARN_CALL_3_(__VA_ARGS__, .begin_ = 0)
#define TARN_CALL_4(...)                                    TARN_CALL_4_(__VA_ARGS__, .begin_ = 0)
#define TARN_CALL_5(...)                                    TARN_CALL_5_(__VA_ARGS__, .begin_ = 0)
#define TARN_CALL_1_(function, options, a, ...)             function(a, (options){.end_ = 0, __VA_ARGS__})
#define TARN_CALL_2_(function, options, a, b, ...)          function(a, b, (options){.end_ = 0, __VA_ARGS__})
#define TARN_CALL_3_(function, options, a, b, c, ...)       function(a, b, c, (options){.end_ = 0, __VA_ARGS__})
#define TARN_CALL_4_(function, options, a, b, c, d, ...)    function(a, b, c, d, (options){.end_ = 0, __VA_ARGS__})
#define TARN_CALL_5_(function, options, a, b, c, d, e, ...) function(a, b, c, d, e, (options){.end_ = 0, __VA_ARGS__})
#define TARN_INTS(...)                                                                                                 \
    ((tarn_ints){(int64_t[]){__VA_ARGS__}, (int64_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))})
#define TARN_NO_AXES ((tarn_ints){(int64_t[]){0}, 0})
#endif

#define TARN_AXIS(i)    (TARN_LITERAL(tarn_axis){TARN_GIVEN, (i)})
#define TARN_VALUE(v)   (TARN_LITERAL(tarn_value){TARN_GIVEN, (v)})
#define TARN_INTEGER(i) (TARN_LITERAL(tarn_integer){TARN_GIVEN, (i)})
#define TARN_SHAPE(...) TARN_INTS(__VA_ARGS__)
#define TARN_AXES(...)  TARN_INTS(__VA_ARGS__)
#define TARN_0D         TARN_NO_AXES

#endif
