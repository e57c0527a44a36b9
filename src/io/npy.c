/* Headers of .npy files. What comes from outside is read character by character, and nothing is used before it is
 * checked.
 */
#include "io/npy.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "tarn/error.h"

/* Kind letter and bytes of an item, as NumPy writes them. V2 is MLX's bfloat16. */
static const struct {
    const char *name;
    tarn_dtype dtype;
} dtypes[] = {{"b1", TARN_BOOL},    {"u1", TARN_UINT8},    {"u2", TARN_UINT16},   {"u4", TARN_UINT32},
              {"u8", TARN_UINT64},  {"i1", TARN_INT8},     {"i2", TARN_INT16},    {"i4", TARN_INT32},
              {"i8", TARN_INT64},   {"f2", TARN_FLOAT16},  {"V2", TARN_BFLOAT16}, {"f4", TARN_FLOAT32},
              {"f8", TARN_FLOAT64}, {"c8", TARN_COMPLEX64}};

static int64_t word_bytes(tarn_dtype dtype) {
    return dtype == TARN_COMPLEX64 ? 4 : tarn_dtype_bytes(dtype);
}

typedef struct {
    const char *at, *end, *name;
} literal;

static bool bad(const literal *l, const char *what) {
    return tarn_fail("%s: the .npy header has no %s where one should be", l->name, what);
}

static void skip_blanks(literal *l) {
    while (l->at < l->end && (*l->at == ' ' || *l->at == '\n' || *l->at == '\t')) l->at++;
}

static bool take(literal *l, char c) {
    skip_blanks(l);
    return l->at < l->end && *l->at == c && l->at++;
}

static bool read_string(literal *l, char *out, size_t room) {
    skip_blanks(l);
    char quote = l->at < l->end ? *l->at : 0;
    if (quote != '\'' && quote != '"') return bad(l, "string");
    const char *begin = ++l->at;
    while (l->at < l->end && *l->at != quote) l->at++;
    size_t length = (size_t)(l->at - begin);
    if (l->at == l->end || length >= room) return bad(l, "short string");
    memcpy(out, begin, length);
    out[length] = 0;
    l->at++;
    return true;
}

static bool read_truth(literal *l, bool *out) {
    skip_blanks(l);
    size_t left = (size_t)(l->end - l->at);
    bool yes = left >= 4 && !memcmp(l->at, "True", 4), no = left >= 5 && !memcmp(l->at, "False", 5);
    if (!yes && !no) return bad(l, "True or False");
    l->at += yes ? 4 : 5;
    *out = yes;
    return true;
}

static bool read_size(literal *l, int64_t *out) {
    skip_blanks(l);
    const char *begin = l->at;
    for (*out = 0; l->at < l->end && *l->at >= '0' && *l->at <= '9'; l->at++)
        if (!checked_mul(*out, 10, out) || !checked_add(*out, *l->at - '0', out)) return bad(l, "size below 2^63");
    if (l->at < l->end && *l->at == 'L') l->at++; /* Python 2 */
    return l->at > begin || bad(l, "size");
}

static bool read_shape(literal *l, npy_header *h) {
    if (!take(l, '(')) return bad(l, "tuple");
    for (h->ndim = 0; !take(l, ')'); h->ndim++) {
        if (h->ndim == TARN_MAX_NDIM) return tarn_fail("%s: more than %d axes", l->name, (int)TARN_MAX_NDIM);
        if (!read_size(l, &h->shape[h->ndim])) return false;
        if (!take(l, ',')) return (h->ndim++, take(l, ')')) || bad(l, "end of the tuple");
    }
    return true;
}

/* "<f4": byte order (of this machine: little), kind, bytes. */
static bool read_dtype(literal *l, npy_header *h) {
    char name[16];
    if (!read_string(l, name, sizeof name)) return false;
    bool known_order = name[0] && strchr("<>|=", name[0]);
    for (size_t i = 0; known_order && i < sizeof dtypes / sizeof *dtypes; i++) {
        if (strcmp(dtypes[i].name, name + 1) != 0) continue;
        h->dtype = dtypes[i].dtype;
        h->swapped = name[0] == '>' && word_bytes(h->dtype) > 1;
        return true;
    }
    return tarn_fail("%s: dtype '%s' of the .npy file is not supported", l->name, name);
}

/* The three entries, in any order, each once. */
static bool read_dictionary(literal *l, npy_header *h) {
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    unsigned seen = 0;
    if (!take(l, '{')) return bad(l, "dictionary");
    while (!take(l, '}')) {
        char key[16];
        int which = 0;
        if (!read_string(l, key, sizeof key)) return false;
        while (which < 3 && strcmp(keys[which], key) != 0) which++;
        if (which == 3 || seen >> which & 1) return tarn_fail("%s: entry '%s' of the .npy header", l->name, key);
        seen |= 1u << which;
        if (!take(l, ':')) return bad(l, "colon");
        if (!(which == 0 ? read_dtype(l, h) : which == 1 ? read_truth(l, &h->columns) : read_shape(l, h))) return false;
        if (!take(l, ',')) return (take(l, '}') && seen == 7) || bad(l, "comma, or complete dictionary");
    }
    return seen == 7 || bad(l, "complete dictionary");
}

static bool read_length(const char *bytes, size_t length, const char *name, size_t *begin, size_t *size) {
    static const char magic[6] = "\x93NUMPY";
    if (length < 10 || memcmp(bytes, magic, 6) != 0) return tarn_fail("%s: no .npy file", name);
    const unsigned char *u = (const unsigned char *)bytes;
    if (u[6] < 1 || u[6] > 3) return tarn_fail("%s: version %d of the .npy format is not known", name, u[6]);
    *begin = u[6] == 1 ? 10 : 12;
    if (length < *begin) return tarn_fail("%s: the .npy header is cut off", name);
    *size = u[8] | (size_t)u[9] << 8;
    if (u[6] > 1) *size |= (size_t)u[10] << 16 | (size_t)u[11] << 24;
    return *size <= length - *begin || tarn_fail("%s: the .npy header is cut off", name);
}

bool npy_parse(const char *bytes, size_t length, const char *name, npy_header *h) {
    size_t begin = 0, size = 0;
    *h = (npy_header){0};
    if (!read_length(bytes, length, name, &begin, &size)) return false;
    literal l = {bytes + begin, bytes + begin + size, name};
    if (!read_dictionary(&l, h)) return false;
    h->offset = begin + size;
    if (!checked_bytes(h->shape, h->ndim, tarn_dtype_bytes(h->dtype), &h->bytes))
        return tarn_fail("%s: the shape of the .npy file has too many elements", name);
    if ((uint64_t)h->bytes > length - h->offset)
        return tarn_fail("%s: the values take %" PRId64 " bytes, but %zu follow the .npy header (truncated?)", name,
                         h->bytes, length - h->offset);
    return true;
}

bool npy_write_header(text *t, tarn_dtype dtype, tarn_ints shape) {
    size_t i = 0, begin = t->length;
    while (dtypes[i].dtype != dtype) i++;
    text_append(t, "\x93NUMPY\x01\0\0", 10);
    text_format(t, "{'descr': '%c%s', 'fortran_order': False, 'shape': (", tarn_dtype_bytes(dtype) == 1 ? '|' : '<',
                dtypes[i].name);
    for (int64_t k = 0; k < shape.count; k++)
        text_format(t, "%s%" PRId64 "%s", k ? " " : "", shape.values[k], k + 1 < shape.count || k == 0 ? "," : "");
    bool ok = text_add(t, "), }");
    while (ok && (t->length - begin) % 64 != 63) ok = text_add_char(t, ' ');
    ok = ok && text_add_char(t, '\n');
    size_t size = t->length - begin - 10;
    if (ok) t->bytes[begin + 8] = (char)size, t->bytes[begin + 9] = (char)(size >> 8);
    return ok;
}
