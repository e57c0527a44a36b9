/* Tests: x is … */
#include <string.h>

#include "unicode/characters.h"
#include "template/iterate.h"
#include "template/text.h"

#define TEST(name, expression)                                                                                         \
    static value name(render *r __attribute__((unused)), value self, const arguments *given __attribute__((unused)),   \
                      const value *a __attribute__((unused))) {                                                        \
        return boolean_value(expression);                                                                              \
    }
#define FUNCTION(name)                                                                                                 \
    static value name(render *r, value self, const arguments *given __attribute__((unused)),                           \
                      const value *a __attribute__((unused)))

TEST(is_defined, !is_undefined(self))
TEST(test_undefined, is_undefined(self))
TEST(is_none, self.kind == VALUE_NONE)
TEST(is_boolean, self.kind == VALUE_BOOLEAN)
TEST(is_true, self.kind == VALUE_BOOLEAN && self.boolean)
TEST(is_false, self.kind == VALUE_BOOLEAN && !self.boolean)
TEST(is_integer, self.kind == VALUE_INTEGER)
TEST(is_float, self.kind == VALUE_REAL)
TEST(test_number, is_number(self))
TEST(test_string, is_string(self))
TEST(is_mapping, self.kind == VALUE_DICT)
TEST(is_iterable, can_iterate(self))
TEST(is_escaped, is_string(self) && self.string->markup)
TEST(is_filter, is_string(self) && builtin_find(BUILTIN_FILTERS, self.string->bytes, self.string->length) != NULL)
TEST(is_test, is_string(self) && builtin_find(BUILTIN_TESTS, self.string->bytes, self.string->length) != NULL)

/* What has a length and takes indices. */
TEST(test_sequence,
     is_string(self) || is_sequence(self) || self.kind == VALUE_DICT || self.kind == VALUE_RANGE || is_undefined(self))

TEST(is_callable, self.kind == VALUE_MACRO || self.kind == VALUE_FUNCTION || self.kind == VALUE_METHOD ||
                      self.kind == VALUE_JOINER || self.kind == VALUE_LOOP || self.kind == VALUE_UNDEFINED)

static value remainder_is(render *r, value self, value divisor, int64_t wanted) {
    value rest = operate(r, TOKEN_MODULO, self, divisor);
    return failed(rest) ? rest : boolean_value(value_equal(rest, integer_value(wanted)));
}

FUNCTION(is_odd) {
    return remainder_is(r, self, integer_value(2), 1);
}
FUNCTION(is_even) {
    return remainder_is(r, self, integer_value(2), 0);
}
FUNCTION(is_divisible) {
    return remainder_is(r, self, a[0], 0);
}

/* The same object: for values without identity, the same kind and value. */
FUNCTION(is_same) {
    (void)r;
    if (self.kind != a[0].kind) return boolean_value(false);
    if (self.kind >= VALUE_STRING) return boolean_value(self.dict == a[0].dict);
    return boolean_value(self.kind == VALUE_UNDEFINED ? self.undefined == a[0].undefined : value_equal(self, a[0]));
}

static value text_is(render *r, value self, bool (*wanted)(uint32_t), bool (*other)(uint32_t)) {
    string *s = value_string(r, self);
    bool any = false;
    uint32_t c;
    for (size_t i = 0; s && i < s->length; i += utf8_decode(s->bytes + i, s->length - i, &c)) {
        utf8_decode(s->bytes + i, s->length - i, &c);
        if (other(c) || character_is_title(c)) return boolean_value(false);
        any = any || wanted(c);
    }
    return s ? boolean_value(any) : FAILED;
}

FUNCTION(is_lower) {
    return text_is(r, self, character_is_lower, character_is_upper);
}
FUNCTION(is_upper) {
    return text_is(r, self, character_is_upper, character_is_lower);
}

#define COMPARISON(name, symbol)                                                                                       \
    FUNCTION(name) {                                                                                                   \
        bool holds;                                                                                                    \
        return compare(r, symbol, self, a[0], &holds) ? boolean_value(holds) : FAILED;                                 \
    }
COMPARISON(is_equal, TOKEN_EQUAL)
COMPARISON(is_not_equal, TOKEN_NOT_EQUAL)
COMPARISON(is_less, TOKEN_LESS)
COMPARISON(is_less_equal, TOKEN_LESS_EQUAL)
COMPARISON(is_greater, TOKEN_GREATER)
COMPARISON(is_greater_equal, TOKEN_GREATER_EQUAL)
COMPARISON(is_in, TOKEN_IN)

const builtin tests_kind[] = {
    {"defined", "", is_defined},     {"undefined", "", test_undefined},
    {"none", "", is_none},           {"boolean", "", is_boolean},
    {"true", "", is_true},           {"false", "", is_false},
    {"integer", "", is_integer},     {"float", "", is_float},
    {"number", "", test_number},     {"string", "", test_string},
    {"mapping", "", is_mapping},     {"iterable", "", is_iterable},
    {"sequence", "", test_sequence}, {"callable", "", is_callable},
    {"escaped", "", is_escaped},     {"filter", "", is_filter},
    {"test", "", is_test},           {"lower", "", is_lower},
    {"upper", "", is_upper},         {"odd", "", is_odd},
    {"even", "", is_even},           {"divisibleby", "num", is_divisible},
    {"sameas", "other", is_same},    {0},
};

const builtin tests_compare[] = {
    {"==", "-b", is_equal},
    {"eq", "-b", is_equal},
    {"equalto", "-b", is_equal},
    {"!=", "-b", is_not_equal},
    {"ne", "-b", is_not_equal},
    {"<", "-b", is_less},
    {"lt", "-b", is_less},
    {"lessthan", "-b", is_less},
    {"<=", "-b", is_less_equal},
    {"le", "-b", is_less_equal},
    {">", "-b", is_greater},
    {"gt", "-b", is_greater},
    {"greaterthan", "-b", is_greater},
    {">=", "-b", is_greater_equal},
    {"ge", "-b", is_greater_equal},
    {"in", "seq", is_in},
    {0},
};
