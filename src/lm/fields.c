/* Typed fields of JSON objects: one message for each way in which a field can be wrong. */
#include "lm/config.h"

#include "tarn/error.h"

const json *field_find(const field_reader *reader, const char *key) {
    const json *value = json_get(reader->object, key);
    return value && !json_is(value, JSON_NOTHING) ? value : NULL;
}

static bool missing(const field_reader *reader, const char *key) {
    return tarn_fail("%s: \"%s%s\" is missing", reader->file, reader->prefix, key);
}

bool field_integer(const field_reader *reader, const char *key, int64_t low, int64_t high, const int64_t *fallback,
                   int64_t *out) {
    const json *value = field_find(reader, key);
    if (!value) return fallback ? (*out = *fallback, true) : missing(reader, key);
    int64_t n = json_whole(value, INT64_MIN);
    if (!json_is(value, JSON_WHOLE) || n < low || n > high)
        return tarn_fail("%s: \"%s%s\" must be an integer from %lld to %lld", reader->file, reader->prefix, key,
                         (long long)low, (long long)high);
    *out = n;
    return true;
}

bool field_number(const field_reader *reader, const char *key, double low, double high, const double *fallback,
                  double *out) {
    const json *value = field_find(reader, key);
    if (!value) return fallback ? (*out = *fallback, true) : missing(reader, key);
    bool number = json_is(value, JSON_WHOLE) || json_is(value, JSON_NUMBER);
    double x = json_number(value, 0);
    if (!number || !(x >= low && x <= high)) /* a NaN fails too */
        return tarn_fail("%s: \"%s%s\" must be a number from %g to %g", reader->file, reader->prefix, key, low, high);
    *out = x;
    return true;
}

bool field_boolean(const field_reader *reader, const char *key, bool fallback, bool *out) {
    const json *value = field_find(reader, key);
    if (value && !json_is(value, JSON_YES) && !json_is(value, JSON_NO))
        return tarn_fail("%s: \"%s%s\" must be true or false", reader->file, reader->prefix, key);
    *out = json_truth(value, fallback);
    return true;
}
