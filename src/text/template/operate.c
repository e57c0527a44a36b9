/* Arithmetic, comparison and sorting with Python's meanings. Integers beyond 64 bits are an error. */
#include <math.h>
#include <string.h>

#include "template/iterate.h"
#include "template/render.h"
#include "template/text.h"

static const char *operator_name(token_kind symbol) {
    switch (symbol) {
    case TOKEN_ADD:
        return "+";
    case TOKEN_SUBTRACT:
        return "-";
    case TOKEN_MULTIPLY:
        return "*";
    case TOKEN_DIVIDE:
        return "/";
    case TOKEN_FLOOR_DIVIDE:
        return "//";
    case TOKEN_MODULO:
        return "%";
    case TOKEN_POWER:
        return "**";
    case TOKEN_LESS:
        return "<";
    case TOKEN_LESS_EQUAL:
        return "<=";
    case TOKEN_GREATER:
        return ">";
    default:
        return ">=";
    }
}

static value unsupported(render *r, token_kind symbol, value a, value b) {
    const char *left = value_type_name(a), *right = value_type_name(b);
    if (symbol == TOKEN_ADD && (is_string(a) || is_sequence(a)))
        return render_fail(r, "can only concatenate %s (not \"%s\") to %s", left, right, left);
    return render_fail(r, "unsupported operand type(s) for %s: '%s' and '%s'", operator_name(symbol), left, right);
}

static value whole_result(render *r, bool overflow, const int64_t *n) {
    return overflow ? render_fail(r, "the integer result does not fit in 64 bits") : integer_value(*n);
}

static int64_t floor_divide(int64_t a, int64_t b) {
    int64_t quotient = a / b;
    return a % b != 0 && (a % b < 0) != (b < 0) ? quotient - 1 : quotient;
}

static value whole_power(render *r, int64_t base, int64_t exponent) {
    if (exponent < 0) {
        if (base == 0) return render_fail(r, "0.0 cannot be raised to a negative power");
        return real_value(pow((double)base, (double)exponent));
    }
    int64_t result = 1;
    bool overflow = false;
    if (base == 0 || base == 1 || base == -1)
        return integer_value(exponent == 0 ? 1 : exponent % 2 ? base : base * base);
    for (; exponent > 0 && !overflow; exponent--) overflow = __builtin_mul_overflow(result, base, &result);
    return whole_result(r, overflow, &result);
}

static value operate_whole(render *r, token_kind symbol, int64_t a, int64_t b) {
    int64_t n = 0;
    switch (symbol) {
    case TOKEN_ADD:
        return whole_result(r, __builtin_add_overflow(a, b, &n), &n);
    case TOKEN_SUBTRACT:
        return whole_result(r, __builtin_sub_overflow(a, b, &n), &n);
    case TOKEN_MULTIPLY:
        return whole_result(r, __builtin_mul_overflow(a, b, &n), &n);
    case TOKEN_POWER:
        return whole_power(r, a, b);
    default:
        break;
    }
    if (b == 0)
        return render_fail(r, symbol == TOKEN_DIVIDE ? "division by zero" : "integer division or modulo by zero");
    if (symbol == TOKEN_DIVIDE) return real_value((double)((long double)a / (long double)b));
    if (b == -1)
        return symbol == TOKEN_MODULO ? integer_value(0) : whole_result(r, __builtin_sub_overflow(0, a, &n), &n);
    int64_t quotient = floor_divide(a, b);
    return integer_value(symbol == TOKEN_MODULO ? a - quotient * b : quotient);
}

/* Python's modulo: the sign of the divisor, also of a zero. */
static double real_modulo(double a, double b) {
    double m = fmod(a, b);
    if (m == 0) return copysign(0, b);
    return (m < 0) != (b < 0) ? m + b : m;
}

static double real_floor_divide(double a, double b) {
    double quotient = (a - real_modulo(a, b)) / b;
    if (quotient == 0) return copysign(0, a / b);
    double floored = floor(quotient);
    return quotient - floored > 0.5 ? floored + 1 : floored;
}

static value real_power(render *r, double a, double b) {
    if (a == 0 && b < 0) return render_fail(r, "0.0 cannot be raised to a negative power");
    if (a < 0 && isfinite(a) && isfinite(b) && b != floor(b))
        return render_fail(r, "complex numbers are not supported");
    double result = pow(a, b);
    if (isinf(result) && isfinite(a) && isfinite(b)) return render_fail(r, "Numerical result out of range");
    return real_value(result);
}

static value operate_real(render *r, token_kind symbol, double a, double b) {
    switch (symbol) {
    case TOKEN_ADD:
        return real_value(a + b);
    case TOKEN_SUBTRACT:
        return real_value(a - b);
    case TOKEN_MULTIPLY:
        return real_value(a * b);
    case TOKEN_POWER:
        return real_power(r, a, b);
    default:
        break;
    }
    if (b == 0) return render_fail(r, symbol == TOKEN_MODULO ? "float modulo" : "float division by zero");
    if (symbol == TOKEN_DIVIDE) return real_value(a / b);
    return real_value(symbol == TOKEN_MODULO ? real_modulo(a, b) : real_floor_divide(a, b));
}

/* Text that `safe` marked escapes what is added to it. */
static value add_strings(render *r, value a, value b) {
    bool markup = a.string->markup || b.string->markup;
    if (markup && !a.string->markup) a = escape_value(r, a);
    if (markup && !b.string->markup) b = escape_value(r, b);
    if (failed(a) || failed(b) || !spend(r, b.string->length)) return FAILED;
    string *joined = string_join_two(&r->memory, a.string, b.string);
    if (!joined || joined->markup == markup) return string_value(joined);
    string *marked = string_share(&r->memory, joined->bytes, joined->length);
    if (marked) marked->markup = markup;
    return string_value(marked);
}

static value add_lists(render *r, value a, value b) {
    list *l = list_new(&r->memory, a.list->count + b.list->count);
    if (!l || !spend(r, a.list->count + b.list->count)) return FAILED;
    for (size_t i = 0; i < a.list->count; i++)
        if (!list_push(&r->memory, l, a.list->items[i])) return FAILED;
    for (size_t i = 0; i < b.list->count; i++)
        if (!list_push(&r->memory, l, b.list->items[i])) return FAILED;
    return a.kind == VALUE_LIST ? list_value(l) : tuple_value(l);
}

static value repeat_string(render *r, const string *s, int64_t times) {
    size_t mark = render_mark(r);
    for (int64_t i = 0; i < times && s->length > 0; i++)
        if (!render_string(r, s)) return FAILED;
    string *all = render_cut(r, mark);
    if (all) all->markup = s->markup;
    return string_value(all);
}

static value repeat_list(render *r, value v, int64_t times) {
    list *l = list_new(&r->memory, 0);
    if (!l) return FAILED;
    for (int64_t i = 0; i < times && v.list->count > 0; i++) {
        if (!spend(r, v.list->count)) return FAILED;
        for (size_t k = 0; k < v.list->count; k++)
            if (!list_push(&r->memory, l, v.list->items[k])) return FAILED;
    }
    return v.kind == VALUE_LIST ? list_value(l) : tuple_value(l);
}

static value multiply(render *r, value a, value b) {
    if (is_whole(a)) return multiply(r, b, a);
    if (is_string(a) && is_whole(b)) return repeat_string(r, a.string, whole(b));
    if (is_sequence(a) && is_whole(b)) return repeat_list(r, a, whole(b));
    return unsupported(r, TOKEN_MULTIPLY, a, b);
}

value operate(render *r, token_kind symbol, value a, value b) {
    if (symbol == TOKEN_MODULO && is_string(a)) return percent_format(r, a, b);
    if (is_undefined(a)) return undefined_fail(r, a);
    if (is_undefined(b)) return undefined_fail(r, b);
    if (is_whole(a) && is_whole(b)) return operate_whole(r, symbol, whole(a), whole(b));
    if (is_number(a) && is_number(b)) return operate_real(r, symbol, number(a), number(b));
    if (symbol == TOKEN_ADD && is_string(a) && is_string(b)) return add_strings(r, a, b);
    if (symbol == TOKEN_ADD && is_sequence(a) && a.kind == b.kind) return add_lists(r, a, b);
    if (symbol == TOKEN_MULTIPLY && (is_whole(a) || is_whole(b)) && !(is_number(a) && is_number(b))) {
        value other = is_whole(a) ? b : a;
        if (is_string(other) || is_sequence(other)) return multiply(r, a, b);
    }
    return unsupported(r, symbol, a, b);
}

value operate_sign(render *r, token_kind symbol, value v) {
    if (is_undefined(v)) return undefined_fail(r, v);
    bool minus = symbol == TOKEN_SUBTRACT;
    int64_t n = 0;
    if (v.kind == VALUE_REAL) return real_value(minus ? -v.real : v.real);
    if (is_whole(v))
        return minus ? whole_result(r, __builtin_sub_overflow(0, whole(v), &n), &n) : integer_value(whole(v));
    return render_fail(r, "bad operand type for unary %s: '%s'", operator_name(symbol), value_type_name(v));
}

bool equal(render *r, value a, value b, bool *result) {
    size_t left = value_weight(a), right = value_weight(b);
    if (!spend(r, left < right ? left : right)) return false;
    *result = value_equal(a, b);
    return true;
}

static int sign(int64_t n) {
    return n < 0 ? -1 : n > 0;
}

static bool order(render *r, token_kind symbol, value a, value b, int *result);

/* The first items that differ decide, then the lengths. */
static bool order_lists(render *r, token_kind symbol, const list *a, const list *b, int *result) {
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        bool same;
        if (!equal(r, a->items[i], b->items[i], &same)) return false;
        if (!same) return order(r, symbol, a->items[i], b->items[i], result);
    }
    *result = a->count < b->count ? -1 : a->count > b->count;
    return true;
}

enum { UNORDERED = 2 }; /* NaN */

/* -1, 0 or 1 as a is below, equal to or above b. */
static bool order(render *r, token_kind symbol, value a, value b, int *result) {
    if (is_undefined(a)) return undefined_fail(r, a), false;
    if (is_undefined(b)) return undefined_fail(r, b), false;
    if (is_number(a) && is_number(b)) {
        /* long double holds every int64 and every double. */
        long double x = a.kind == VALUE_REAL ? (long double)a.real : (long double)whole(a);
        long double y = b.kind == VALUE_REAL ? (long double)b.real : (long double)whole(b);
        *result = x < y ? -1 : x > y ? 1 : x == y ? 0 : UNORDERED;
        return true;
    }
    if (is_string(a) && is_string(b)) {
        size_t shorter = a.string->length < b.string->length ? a.string->length : b.string->length;
        int difference = memcmp(a.string->bytes, b.string->bytes, shorter);
        *result = difference ? sign(difference) : sign((int64_t)a.string->length - (int64_t)b.string->length);
        return spend(r, shorter);
    }
    if (is_sequence(a) && a.kind == b.kind) return order_lists(r, symbol, a.list, b.list, result);
    const char *left = value_type_name(a), *right = value_type_name(b);
    return render_fail(r, "'%s' not supported between instances of '%s' and '%s'", operator_name(symbol), left, right),
           false;
}

static bool contains_text(render *r, value a, value b, bool *result) {
    if (!is_string(a))
        return render_fail(r, "'in <string>' requires string as left operand, not %s", value_type_name(a)), false;
    *result = memmem(b.string->bytes, b.string->length, a.string->bytes, a.string->length) != NULL;
    return spend(r, b.string->length);
}

static bool contains_key(render *r, value key, const dict *d, bool *result) {
    uint64_t hash;
    if (!value_hash(key, &hash)) return render_fail(r, "unhashable type: '%s'", value_type_name(key)), false;
    *result = dict_find(d, key) != NULL;
    return true;
}

static bool contains(render *r, value a, value b, bool *result) {
    if (is_string(b)) return contains_text(r, a, b, result);
    if (b.kind == VALUE_DICT || (b.kind == VALUE_VIEW && b.view->part == VIEW_KEYS))
        return contains_key(r, a, b.kind == VALUE_DICT ? b.dict : b.view->dict, result);
    if (!can_iterate(b)) return render_fail(r, "argument of type '%s' is not iterable", value_type_name(b)), false;
    iterator *it = iterate(r, b);
    value item;
    step s = STEP_FAILED;
    *result = false;
    while (it && !*result && (s = iterator_next(r, it, &item)) == STEP_ITEM) {
        if (!equal(r, item, a, result)) return false;
    }
    return it && s != STEP_FAILED;
}

bool compare(render *r, token_kind symbol, value a, value b, bool *result) {
    if (symbol == TOKEN_EQUAL || symbol == TOKEN_NOT_EQUAL) {
        bool ok = equal(r, a, b, result);
        if (symbol == TOKEN_NOT_EQUAL) *result = !*result;
        return ok;
    }
    if (symbol == TOKEN_IN || symbol == TOKEN_NOT_IN) {
        bool ok = contains(r, a, b, result);
        if (symbol == TOKEN_NOT_IN) *result = !*result;
        return ok;
    }
    int which = 0;
    if (!order(r, symbol, a, b, &which)) return false;
    switch (symbol) {
    case TOKEN_LESS:
        *result = which == -1;
        break;
    case TOKEN_LESS_EQUAL:
        *result = which == -1 || which == 0;
        break;
    case TOKEN_GREATER:
        *result = which == 1;
        break;
    default:
        *result = which == 1 || which == 0;
        break;
    }
    return true;
}

typedef struct {
    value *items, *keys;
} column;

/* Merges from[begin, middle) and from[middle, end) into `to`; the left one goes first unless the right one must. */
static bool merge(render *r, column from, column to, size_t begin, size_t middle, size_t end, bool reverse) {
    size_t left = begin, right = middle;
    for (size_t i = begin; i < end; i++) {
        bool take_right = left == middle;
        if (left < middle && right < end) {
            value a = from.keys[reverse ? left : right], b = from.keys[reverse ? right : left];
            if (!spend(r, 1) || !compare(r, TOKEN_LESS, a, b, &take_right)) return false;
        }
        size_t k = take_right ? right++ : left++;
        to.items[i] = from.items[k];
        to.keys[i] = from.keys[k];
    }
    return true;
}

bool sort_values(render *r, value *items, value *keys, size_t count, bool reverse) {
    column from = {items, keys},
           to = {ARENA_NEW_ARRAY(&r->memory, value, count), ARENA_NEW_ARRAY(&r->memory, value, count)};
    if (!to.items || !to.keys) return false;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t begin = 0; begin < count; begin += 2 * width) {
            size_t middle = begin + width < count ? begin + width : count,
                   end = middle + width < count ? middle + width : count;
            if (!merge(r, from, to, begin, middle, end, reverse)) return false;
        }
        column swap = from;
        from = to;
        to = swap;
    }
    if (from.items != items && count) {
        memcpy(items, from.items, count * sizeof *items);
        memcpy(keys, from.keys, count * sizeof *keys);
    }
    return true;
}
