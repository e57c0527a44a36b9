/* Reading the parts of a GGUF file, version 2 or 3. Everything comes from outside: lengths are compared with what is
   left before they are used. */
#include "io/gguf.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "tarn/error.h"

static const struct {
    tarn_dtype dtype;
    bool number;
} kinds[GGUF_KINDS] = {
    [GGUF_U8] = {TARN_UINT8, true},    [GGUF_I8] = {TARN_INT8, true},     [GGUF_U16] = {TARN_UINT16, true},
    [GGUF_I16] = {TARN_INT16, true},   [GGUF_U32] = {TARN_UINT32, true},  [GGUF_I32] = {TARN_INT32, true},
    [GGUF_F32] = {TARN_FLOAT32, true}, [GGUF_BOOL] = {TARN_BOOL, true},   [GGUF_U64] = {TARN_UINT64, true},
    [GGUF_I64] = {TARN_INT64, true},   [GGUF_F64] = {TARN_FLOAT64, true},
};

bool gguf_kind_dtype(uint32_t kind, tarn_dtype *dtype) {
    if (kind >= GGUF_KINDS || !kinds[kind].number) return false;
    *dtype = kinds[kind].dtype;
    return true;
}

uint32_t gguf_kind_of(tarn_dtype dtype) {
    uint32_t kind = 0;
    while (kind < GGUF_KINDS && !(kinds[kind].number && kinds[kind].dtype == dtype)) kind++;
    return kind;
}

bool gguf_skip(gguf_cursor *c, uint64_t bytes, const char **begin) {
    *begin = c->at;
    if (bytes > (uint64_t)(c->end - c->at)) {
        tarn_fail("%s: the GGUF file ends in the middle of its header (truncated?)", c->name);
        return false;
    }
    c->at += bytes;
    return true;
}

bool gguf_read_number(gguf_cursor *c, int bytes, uint64_t *out) {
    const char *at;
    if (!gguf_skip(c, (uint64_t)bytes, &at)) return false;
    *out = 0;
    for (int i = bytes - 1; i >= 0; i--) *out = *out << 8 | (unsigned char)at[i];
    return true;
}

bool gguf_read_text(gguf_cursor *c, const char **bytes, size_t *length) {
    uint64_t count;
    if (!gguf_read_number(c, 8, &count) || !gguf_skip(c, count, bytes)) return false;
    *length = (size_t)count;
    return true;
}

bool gguf_read_start(gguf_cursor *c, gguf_counts *counts) {
    uint64_t version;
    if (c->end - c->at < 24 || memcmp(c->at, "GGUF", 4) != 0) return tarn_fail("%s: no GGUF file", c->name);
    c->at += 4;
    if (!gguf_read_number(c, 4, &version)) return false;
    if (version < 2 || version > 3)
        return tarn_fail("%s: version %" PRIu64 " of the GGUF format is not supported", c->name, version);
    return gguf_read_number(c, 8, &counts->tensors) && gguf_read_number(c, 8, &counts->notes);
}

static bool fail_tensor(const gguf_cursor *c, const gguf_tensor *t, const char *what) {
    return tarn_fail("%s: tensor '%.*s': %s", c->name, (int)(t->length < 200 ? t->length : 200), t->name, what);
}

/* Sizes stand with the last axis first. */
static bool read_shape(gguf_cursor *c, gguf_tensor *t) {
    uint64_t ndim, size;
    if (!gguf_read_number(c, 4, &ndim)) return false;
    if (ndim > TARN_MAX_NDIM) return fail_tensor(c, t, "more than 12 axes");
    t->ndim = (int)ndim;
    for (int i = t->ndim - 1; i >= 0; i--) {
        if (!gguf_read_number(c, 8, &size)) return false;
        if (size > INT64_MAX) return fail_tensor(c, t, "a size beyond 2^63");
        t->shape[i] = (int64_t)size;
    }
    return true;
}

bool gguf_read_tensor(gguf_cursor *c, gguf_tensor *t) {
    uint64_t type;
    if (!gguf_read_text(c, &t->name, &t->length) || !read_shape(c, t)) return false;
    if (memchr(t->name, 0, t->length)) return fail_tensor(c, t, "its name holds a NUL");
    if (!gguf_read_number(c, 4, &type) || !gguf_read_number(c, 8, &t->offset)) return false;
    if (!(t->type = gguf_type_of((uint32_t)type)))
        return tarn_fail("%s: tensor '%.*s': type %" PRIu64 " is not supported", c->name,
                         (int)(t->length < 200 ? t->length : 200), t->name, type);
    if (!checked_bytes(t->shape, t->ndim, 4, &t->bytes)) return fail_tensor(c, t, "too many elements");
    t->elements = t->bytes / 4;
    int64_t row = t->ndim ? t->shape[t->ndim - 1] : 1;
    if (row % t->type->elements) return fail_tensor(c, t, "rows are not whole blocks");
    return checked_mul(t->elements / t->type->elements, t->type->bytes, &t->bytes) ||
           fail_tensor(c, t, "too many elements");
}
