/* Filters that give or take numbers. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unicode/characters.h"
#include "template/filters.h"
#include "template/iterate.h"
#include "template/text.h"

#define FILTER(name)                                                                                                   \
    static value name(render *r, value self, const arguments *given __attribute__((unused)),                           \
                      const value *a __attribute__((unused)))

enum { LONGEST_NUMBER = 400 };

/* The text without white space around it and without the underscores between its digits; false if it cannot be a number
 * of Python's. */
static bool number_text(render *r, string *s, char *out) {
    string *bare = strip(r, s, NULL, STRIP_LEFT | STRIP_RIGHT);
    size_t length = 0;
    if (!bare || bare->length == 0 || bare->length >= LONGEST_NUMBER) return false;
    for (size_t i = 0; i < bare->length; i++) {
        char c = bare->bytes[i];
        bool around = i > 0 && i + 1 < bare->length && character_is_decimal((unsigned char)bare->bytes[i + 1] & 0x7F);
        if (c == '_' && (!around || bare->bytes[i - 1] == '_')) return false;
        if (c == 0 || (c & 0x80)) return false;
        if (c != '_') out[length++] = c;
    }
    out[length] = 0;
    return true;
}

/* int(text, base). *big: a number, but beyond 64 bits. */
static bool parse_whole(const char *s, int base, int64_t *n, bool *big) {
    const char *digits = s + (*s == '-' || *s == '+');
    char mark = digits[0] == '0' ? (char)(digits[1] | 0x20) : 0;
    int marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    char plain[LONGEST_NUMBER + 2] = {*s == '-' ? '-' : '+', 0}, *end;
    bool skip = marked && (base == marked || base == 0);
    if (base == 0) base = marked ? marked : 10;
    strcpy(plain + 1, digits + (skip ? 2 : 0));
    if (!plain[1] || plain[1] == '-' || plain[1] == '+' || plain[1] == ' ') return false;
    errno = 0;
    /* strtoll would take a "0x" of its own accord. */
    if (base == 16 && plain[1] == '0' && (plain[2] | 0x20) == 'x') return false;
    long long parsed = strtoll(plain, &end, base);
    *big = errno == ERANGE;
    *n = parsed;
    return *end == 0;
}

/* float(text). */
static bool parse_real(const char *s, double *x) {
    const char *digits = s + (*s == '-' || *s == '+');
    char *end;
    bool word = strcasecmp(digits, "inf") == 0 || strcasecmp(digits, "infinity") == 0 || strcasecmp(digits, "nan") == 0;
    if (!word && (strspn(digits, "0123456789.eE+-") != strlen(digits) || *digits == '-' || *digits == '+'))
        return false;
    *x = strtod(s, &end);
    return *end == 0;
}

static value truncate_real(render *r, double x, value fallback) {
    if (!isfinite(x)) return fallback;
    if (x >= 0x1p63 || x < -0x1p63) return render_fail(r, "the integer does not fit in 64 bits");
    return integer_value((int64_t)x);
}

static value whole_of_text(render *r, string *s, int base, value fallback) {
    char digits[LONGEST_NUMBER];
    int64_t n;
    double x;
    bool big = false;
    if (!number_text(r, s, digits)) return tarn_ok() ? fallback : FAILED;
    if (parse_whole(digits, base, &n, &big))
        return big ? render_fail(r, "the integer does not fit in 64 bits") : integer_value(n);
    return parse_real(digits, &x) ? truncate_real(r, x, fallback) : fallback;
}

FILTER(filter_int) {
    int64_t base;
    value fallback = failed(a[0]) ? integer_value(0) : a[0];
    if (is_undefined(self)) return undefined_fail(r, self);
    if (is_whole(self)) return integer_value(whole(self));
    if (self.kind == VALUE_REAL) {
        if (isinf(self.real)) return render_fail(r, "cannot convert float infinity to integer");
        return truncate_real(r, self.real, fallback);
    }
    if (!is_string(self)) return fallback;
    if (!integer_argument(r, a[1], 10, &base)) return FAILED;
    bool known = base == 0 || (base >= 2 && base <= 36);
    return whole_of_text(r, self.string, known ? (int)base : 10, fallback);
}

FILTER(filter_float) {
    char digits[LONGEST_NUMBER];
    double x;
    value fallback = failed(a[0]) ? real_value(0) : a[0];
    if (is_undefined(self)) return undefined_fail(r, self);
    if (is_number(self)) return real_value(number(self));
    if (!is_string(self) || !number_text(r, self.string, digits) || !parse_real(digits, &x))
        return tarn_ok() ? fallback : FAILED;
    return real_value(x);
}

FILTER(filter_abs) {
    if (is_undefined(self)) return undefined_fail(r, self);
    if (self.kind == VALUE_REAL) return real_value(fabs(self.real));
    if (!is_whole(self)) return render_fail(r, "bad operand type for abs(): '%s'", value_type_name(self));
    return whole(self) < 0 ? operate_sign(r, TOKEN_SUBTRACT, self) : integer_value(whole(self));
}

/* Python rounds the exact value of the double, halves to even; printf does the same. */
static double round_places(double x, int64_t places) {
    char digits[700];
    if (!isfinite(x) || places > 308) return x;
    if (places >= 0) {
        snprintf(digits, sizeof digits, "%.*f", (int)places, x);
        return strtod(digits, NULL);
    }
    if (places < -308) return copysign(0, x);
    long double scale = powl(10, (long double)-places);
    return (double)(rintl((long double)x / scale) * scale);
}

static int64_t round_whole(int64_t n, int64_t places) {
    int64_t scale = 1;
    for (; places < 0; places++)
        if (__builtin_mul_overflow(scale, 10, &scale)) return 0;
    int64_t rest = n % scale, low = n - rest, half = scale / 2;
    if (rest < 0) low -= scale, rest += scale;
    if (scale == 1 || rest < half) return low;
    return rest > half || (low / scale) % 2 != 0 ? low + scale : low;
}

FILTER(filter_round) {
    int64_t places;
    bool ceiling = is_string(a[1]) && string_is(a[1].string, "ceil"),
         flooring = is_string(a[1]) && string_is(a[1].string, "floor");
    bool common = failed(a[1]) || (is_string(a[1]) && string_is(a[1].string, "common"));
    if (is_undefined(self)) return undefined_fail(r, self);
    if (!ceiling && !flooring && !common) return render_fail(r, "method must be common, ceil or floor");
    if (!is_number(self)) return render_fail(r, "type %s doesn't define __round__ method", value_type_name(self));
    if (!integer_argument(r, a[0], 0, &places)) return FAILED;
    if (common && is_whole(self)) return integer_value(places >= 0 ? whole(self) : round_whole(whole(self), places));
    if (common) return real_value(round_places(self.real, places));
    double scale = pow(10, (double)places), scaled = number(self) * scale;
    if (!isfinite(scaled)) return render_fail(r, "cannot convert this float to integer");
    return real_value((ceiling ? ceil(scaled) : floor(scaled)) / scale);
}

FILTER(filter_sum) {
    value total = failed(a[1]) ? integer_value(0) : a[1], item;
    iterator *it = iterate(r, self);
    step s = STEP_FAILED;
    if (is_string(total)) return render_fail(r, "sum() can't sum strings");
    while (it && (s = iterator_next(r, it, &item)) == STEP_ITEM) {
        item = get_path(r, item, a[0], FAILED);
        if (failed(item) || failed(total = operate(r, TOKEN_ADD, total, item))) return FAILED;
    }
    return s == STEP_END ? total : FAILED;
}

static value extreme(render *r, value self, const value *a, token_kind better) {
    iterator *it = iterate(r, self);
    value item, key, best = FAILED, best_key = FAILED;
    step s = STEP_FAILED;
    while (it && (s = iterator_next(r, it, &item)) == STEP_ITEM) {
        key = get_path(r, item, a[1], FAILED);
        if (!failed(key) && !is_truthy(a[0])) key = ignore_case(r, key);
        bool wins = failed(best);
        if (failed(key) || (!wins && !compare(r, better, key, best_key, &wins))) return FAILED;
        if (wins) best = item, best_key = key;
    }
    if (s != STEP_END) return FAILED;
    return failed(best) ? undefined_hint(r, "No aggregated item, sequence was empty.") : best;
}

FILTER(filter_min) {
    return extreme(r, self, a, TOKEN_LESS);
}
FILTER(filter_max) {
    return extreme(r, self, a, TOKEN_GREATER);
}

const builtin filters_number[] = {
    {"int", "default? base?", filter_int},
    {"float", "default?", filter_float},
    {"abs", "", filter_abs},
    {"round", "precision? method?", filter_round},
    {"sum", "attribute? start?", filter_sum},
    {"min", "case_sensitive? attribute?", filter_min},
    {"max", "case_sensitive? attribute?", filter_max},
    {0},
};
