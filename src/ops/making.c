/* Making arrays: from memory, constants, ranges; conversions of dtype and order. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "core/scope.h"
#include "core/stream.h"
#include "ops/front.h"
#include "ops/rules.h"
#include "table/scalar.h"

/* The bytes of an array over memory of the caller. */
static bool shape_bytes(const char *function, const void *data, tarn_ints shape, tarn_dtype dtype, int64_t *bytes) {
    if (shape.count > TARN_MAX_NDIM || !checked_bytes(shape.values, shape.count, dtype_bytes(dtype), bytes))
        return tarn_fail("%s: the shape is negative, too large or has more than %d axes", function, TARN_MAX_NDIM);
    return *bytes == 0 || data || tarn_fail("%s: data is NULL", function);
}

/* A buffer in host memory that may be written at once. */
static buffer *host_buffer(const void *data, int64_t bytes) {
    buffer *b = buffer_new(bytes);
    void *to = b ? buffer_allocate(b, DEVICE_HOST, NULL, NULL) : NULL;
    if (!to) {
        buffer_release(b);
        return NULL;
    }
    if (bytes) memcpy(to, data, (size_t)bytes);
    buffer_fill_on_host(b);
    return b;
}

static bool ready(const char *function) {
    return tarn_ok() && scope_check_open(function) && stream_current();
}

tarn_array *tarn_from_data(const void *data, tarn_ints shape, tarn_dtype dtype) {
    FRONT("from_data");
    REQUIRE_LIST(shape);
    REQUIRE_DTYPE(dtype);
    int64_t bytes;
    if (!ready("from_data") || !shape_bytes("from_data", data, shape, dtype, &bytes)) return NULL;
    return array_from_buffer(host_buffer(data, bytes), shape, dtype);
}

tarn_array *tarn_from_foreign_with(const void *data, tarn_ints shape, tarn_dtype dtype, tarn_foreign_options o) {
    FRONT("from_foreign");
    REQUIRE_LIST(shape);
    REQUIRE_DTYPE(dtype);
    int64_t bytes;
    if (!ready("from_foreign") || !shape_bytes("from_foreign", data, shape, dtype, &bytes)) return NULL;
    int slot = o.stream ? o.stream->slot : DEVICE_HOST;
    if (!slot_settle(slot)) return NULL; /* who gave the memory may still be writing it */
    tarn_array *a = array_from_buffer(buffer_new_foreign(slot, data, bytes, o.check, o.context), shape, dtype);
    if (a) a->buffer->release = o.release; /* of an array that could not be made the memory is still the caller's */
    return a;
}

static tarn_array *scalar(const void *value, tarn_dtype dtype) {
    return tarn_from_data(value, TARN_0D, dtype);
}

tarn_array *tarn_scalar(double value, tarn_dtype dtype) {
    FRONT("scalar");
    REQUIRE_DTYPE(dtype);
    unsigned char bytes[8];
    store_double(bytes, dtype, value);
    return scalar(bytes, dtype);
}

/* Whether an integer dtype holds the value: its low bytes, read again, are the value. */
static bool is_held(int64_t value, tarn_dtype dtype) {
    return load_int(&value, dtype) == value && (value >= 0 || !dtype_is_unsigned(dtype));
}

tarn_array *tarn_scalar_int(int64_t value, tarn_dtype dtype) {
    FRONT("scalar_int");
    REQUIRE_DTYPE(dtype);
    unsigned char bytes[8];
    bool whole = dtype_kind_of(dtype) == KIND_INT;
    if (whole && !is_held(value, dtype))
        return tarn_fail("scalar_int: %lld is outside the range of %s", (long long)value, dtype_facts[dtype].name),
               NULL;
    if (whole)
        memcpy(bytes, &value, sizeof value); /* the low bytes */
    else
        store_double(bytes, dtype, (double)value);
    return scalar(bytes, dtype);
}

tarn_array *tarn_scalar_complex(double real, double imag) {
    FRONT("scalar_complex");
    float value[2] = {(float)real, (float)imag};
    return scalar(value, TARN_COMPLEX64);
}

tarn_array *tarn_scalar_like(double value, tarn_array *x) {
    FRONT("scalar_like");
    REQUIRE(x);
    return tarn_scalar(value, x->dtype);
}

/* Whether an integer dtype holds a whole number. */
static bool holds(tarn_dtype dtype, double whole) {
    int bits = (int)dtype_bytes(dtype) * 8;
    if (dtype_is_unsigned(dtype)) return whole >= 0 && whole < ldexp(1, bits);
    return whole >= -ldexp(1, bits - 1) && whole < ldexp(1, bits - 1);
}

tarn_array *tarn_number_beside(double number, tarn_array *x) {
    FRONT("number_beside");
    REQUIRE(x);
    if (dtype_kind_of(x->dtype) > KIND_INT) return tarn_scalar(number, x->dtype);
    if (!isfinite(number) || number != rint(number)) return tarn_scalar(number, TARN_FLOAT32);
    tarn_dtype dtype = x->dtype == TARN_BOOL ? TARN_INT32 : x->dtype;
    if (!holds(dtype, number)) return tarn_fail("number_beside: %.17g is no %s", number, dtype_facts[dtype].name), NULL;
    return tarn_scalar(number, dtype);
}

tarn_array *tarn_imaginary_unit_like(tarn_array *x) {
    FRONT("imaginary_unit_like");
    REQUIRE(x);
    return tarn_scalar_complex(0, 1);
}

tarn_array *tarn_full(tarn_ints shape, double value, tarn_dtype dtype) {
    FRONT("full");
    return tarn_contiguous(tarn_broadcast_to(tarn_scalar(value, dtype), shape));
}
tarn_array *tarn_zeros(tarn_ints shape, tarn_dtype dtype) {
    FRONT("zeros");
    return tarn_full(shape, 0, dtype);
}
tarn_array *tarn_ones(tarn_ints shape, tarn_dtype dtype) {
    FRONT("ones");
    return tarn_full(shape, 1, dtype);
}
tarn_array *tarn_zeros_like(tarn_array *x) {
    FRONT("zeros_like");
    return tarn_contiguous(tarn_broadcast_like(tarn_scalar_like(0, x), x));
}
tarn_array *tarn_ones_like(tarn_array *x) {
    FRONT("ones_like");
    return tarn_contiguous(tarn_broadcast_like(tarn_scalar_like(1, x), x));
}

/* A double holds every integer up to 2^53 and not all beyond. */
static bool is_exact(const attributes_arange *a) {
    const double most = 0x1p53;
    return dtype_kind_of(a->dtype) != KIND_INT ||
           (fabs(a->start) <= most && fabs(a->stop) <= most && fabs(a->step) <= most);
}

static bool infer_arange(inference *i) {
    const attributes_arange *a = i->attributes;
    if (!is_exact(a))
        return tarn_fail("arange: from %g to %g by %g in %s: integers beyond 2^53 are not exact", a->start, a->stop,
                         a->step, dtype_facts[a->dtype].name);
    double count = ceil((a->stop - a->start) / a->step);
    if (!(a->step != 0) || !(count < 9e15))
        return tarn_fail("arange: from %g to %g by %g is no finite range", a->start, a->stop, a->step);
    return types_add(i, a->dtype, 1, (int64_t[]){count > 0 ? (int64_t)count : 0});
}

tarn_array *tarn_arange(double start, double stop, double step, tarn_dtype dtype) {
    return build(OP_arange, NULL, 0, &(attributes_arange){.start = start, .stop = stop, .step = step, .dtype = dtype});
}

static bool infer_astype(inference *i) {
    const attributes_astype *a = i->attributes;
    return types_add(i, a->dtype, i->inputs[0]->ndim, i->inputs[0]->shape);
}

tarn_array *tarn_astype(tarn_array *x, tarn_dtype dtype) {
    return BUILD(astype, &(attributes_astype){.dtype = dtype}, x);
}

static bool same(inference *i) {
    return types_add(i, i->inputs[0]->dtype, i->inputs[0]->ndim, i->inputs[0]->shape);
}

tarn_array *tarn_contiguous(tarn_array *x) {
    return BUILD(contiguous, NULL, x);
}

/* Leaves are made by core and never inferred. */
static bool infer_leaf(inference *i) {
    return tarn_fail("%s: a leaf cannot be built again", op_name(i->op));
}

const op_rules rules_data = {.infer = infer_leaf, .no_vjp = "it has no inputs", .no_vmap = "it has no inputs"};
const op_rules rules_argument = {.infer = infer_leaf, .no_vjp = "it has no inputs", .no_vmap = "it has no inputs"};
const op_rules rules_arange = {.infer = infer_arange, .no_vjp = "it has no inputs", .no_vmap = "it has no inputs"};
const op_rules rules_astype = {
    .infer = infer_astype, .vjp = vjp_identity, .jvp = jvp_astype, .vmap = vmap_anywhere, .passes = passes_astype};
const op_rules rules_contiguous = {.infer = same, .vjp = vjp_identity, .jvp = jvp_linear, .vmap = vmap_anywhere};
