/* The value of an array of one element as a number of C: exact, or an error. Only tarn_item rounds, as floats do. */
#include "core/array.h"
#include "table/scalar.h"
#include "tarn/array.h"
#include "tarn/error.h"

typedef struct {
    double real, imaginary;
    uint64_t whole; /* of integers and bools: the low 64 bits */
    tarn_dtype dtype;
} item;

static bool is_whole(const item *it) {
    return dtype_kind_of(it->dtype) <= KIND_INT;
}

static bool read_item(const char *what, tarn_array *a, item *it) {
    *it = (item){0};
    _Alignas(8) unsigned char bytes[8];
    if (a && tarn_size(a) != 1) return tarn_fail("%s: the array has %lld elements", what, (long long)tarn_size(a));
    if (!a) return tarn_ok() ? tarn_fail("%s: the array is NULL", what) : false;
    if (!tarn_read(a, bytes, sizeof bytes)) return false;
    it->dtype = tarn_dtype_of(a);
    it->real = load_double(bytes, it->dtype);
    it->imaginary = it->dtype == TARN_COMPLEX64 ? load_double(bytes + 4, TARN_FLOAT32) : 0;
    it->whole = is_whole(it) ? (uint64_t)load_int(bytes, it->dtype) : 0;
    return true;
}

static bool read_real(const char *what, tarn_array *a, item *it) {
    if (!read_item(what, a, it)) return false;
    if (it->imaginary == 0) return true; /* of NaN this is false */
    return tarn_fail("%s: %g%+gi is not real (tarn_item_complex)", what, it->real, it->imaginary);
}

double tarn_item(tarn_array *a) {
    item it;
    return read_real("item", a, &it) ? it.real : 0;
}

/* A float that is a whole number from least to beyond, without that: both are powers of two, or 0. */
static bool is_whole_within(const item *it, double least, double beyond) {
    return it->real >= least && it->real < beyond && it->real == __builtin_trunc(it->real);
}

int64_t tarn_item_int(tarn_array *a) {
    item it;
    if (!read_real("item_int", a, &it)) return 0;
    if (!is_whole(&it)) {
        if (is_whole_within(&it, -0x1p63, 0x1p63)) return (int64_t)it.real;
        return tarn_fail("item_int: %s %.17g is not a 64-bit integer", tarn_dtype_name(it.dtype), it.real), 0;
    }
    if (it.dtype == TARN_UINT64 && it.whole > INT64_MAX)
        return tarn_fail("item_int: %llu is more than an int64 holds (tarn_item_uint)", (unsigned long long)it.whole),
               0;
    return (int64_t)it.whole;
}

uint64_t tarn_item_uint(tarn_array *a) {
    item it;
    if (!read_real("item_uint", a, &it)) return 0;
    if (!is_whole(&it)) {
        if (is_whole_within(&it, 0, 0x1p64)) return (uint64_t)it.real;
        return tarn_fail("item_uint: %s %.17g is not an unsigned 64-bit integer", tarn_dtype_name(it.dtype), it.real),
               0;
    }
    if (it.dtype != TARN_UINT64 && (int64_t)it.whole < 0)
        return tarn_fail("item_uint: %lld is negative", (long long)it.whole), 0;
    return it.whole;
}

bool tarn_item_complex(tarn_array *a, double *real, double *imaginary) {
    item it;
    if (!real || !imaginary) return tarn_fail("item_complex: %s is NULL", real ? "imaginary" : "real");
    if (!read_item("item_complex", a, &it)) return false;
    *real = it.real;
    *imaginary = it.imaginary;
    return true;
}
