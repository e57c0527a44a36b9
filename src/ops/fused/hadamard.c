/* Hadamard transforms: the matrix of n = m * 2^k is the Kronecker product of one of m and k of two, so that each factor
   is a small product along an axis of its own. */
#include <math.h>

#include "ops/front.h"
#include "ops/fused/formula.h"

enum { FACTOR = 64 }; /* the largest power of two that one product takes */

/* Hadamard matrices that are no powers of two: blocks whose rows are each the one above moved on by one, given by their
   first rows, [m / block][m / block][block]. Of 12: Paley (1933); of 20 and 28: Williamson (1944). */
typedef struct {
    int m, block;
    const char *signs;
} seed;

static const seed seeds[] = {
    {12, 1,
     "+-++++++++++"
     "--+-+-+-+-+-"
     "+++-++----++"
     "+---+--+-++-"
     "+++++-++----"
     "+-+---+--+-+"
     "++--+++-++--"
     "+--++---+--+"
     "++----+++-++"
     "+--+-++---+-"
     "++++----+++-"
     "+-+--+-++---"},
    {20, 5,
     "+----+----++--++-++-"
     "-+++++-----+--+++--+"
     "--++-+-++-+-----++++"
     "-+--+--++-+----+----"},
    {28, 7,
     "+------++----++-+--+-+--++--"
     "--++++-+-------++--+++-+--+-"
     "-+-++-++--++--+--------++++-"
     "-++--++-+-++-+++----++------"},
};
enum { SEEDS = sizeof seeds / sizeof *seeds };

/* n as m * 2^k with the largest m that there is; NULL for m = 1. False if it is none. */
static bool seed_of(int64_t n, const seed **found) {
    *found = NULL;
    for (int i = 0; i < SEEDS; i++)
        if (n > 0 && n % seeds[i].m == 0 && (n / seeds[i].m & (n / seeds[i].m - 1)) == 0) *found = &seeds[i];
    return *found || (n > 0 && (n & (n - 1)) == 0);
}

static bool infer(inference *i) {
    const tarn_array *x = i->inputs[0];
    const seed *s;
    int64_t n = x->ndim ? x->shape[x->ndim - 1] : 0;
    if (dtype_kind_of(x->dtype) < KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "hadamard_transform: %s is not supported", dtype_facts[x->dtype].name);
    if (!seed_of(n, &s))
        return tarn_fail("hadamard_transform: of %lld elements: they are m * 2^k, m among 1, 12, 20 and 28",
                         (long long)n);
    return types_add(i, x->dtype, x->ndim, x->shape);
}

static float sign_of_seed(const seed *s, int64_t row, int64_t column) {
    int64_t b = s->block, blocks = s->m / b, moved = (column % b - row % b + b) % b;
    return s->signs[((row / b) * blocks + column / b) * b + moved] == '+' ? 1 : -1;
}

/* The matrix of size n, a seed's or, if it is NULL, a power of two's. */
static tarn_array *matrix(const seed *s, int64_t n, tarn_dtype dtype) {
    float signs[FACTOR * FACTOR];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            signs[i * n + j] = s ? sign_of_seed(s, i, j) : __builtin_parityll((unsigned long long)(i & j)) ? -1 : 1;
    return formula_narrow(tarn_from_data(signs, TARN_SHAPE(n, n), TARN_FLOAT32), dtype);
}

/* x [rows, n, inner] by the matrix along the middle axis. */
static tarn_array *along_middle(tarn_array *x, tarn_array *h, int64_t rows, int64_t n, int64_t inner) {
    if (inner == 1) return tarn_matmul(tarn_reshape(x, TARN_SHAPE(rows, n)), tarn_transpose(h));
    return tarn_matmul(h, tarn_reshape(x, TARN_SHAPE(rows, n, inner)));
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_hadamard_transform *a = n->attributes;
    tarn_array *x = formula_widen(inputs[0]);
    const seed *s;
    int64_t size = inputs[0]->shape[inputs[0]->ndim - 1], rows = array_size(inputs[0]) / size;
    if (!x || !seed_of(size, &s)) return false;
    double scale = isnan(a->scale) ? 1 / sqrt((double)size) : a->scale;
    int64_t inner = s ? size / s->m : size;
    if (s) x = along_middle(x, matrix(s, s->m, x->dtype), rows, s->m, inner);
    for (int64_t outer = rows * (size / inner); inner > 1 && x;) {
        int64_t factor = inner < FACTOR ? inner : FACTOR;
        inner /= factor;
        x = along_middle(x, matrix(NULL, factor, x->dtype), outer, factor, inner);
        outer *= factor;
    }
    x = tarn_multiply(tarn_reshape(x, array_shape(inputs[0])),
                      tarn_scalar(scale, tarn_dtype_of(x) == TARN_FLOAT64 ? TARN_FLOAT64 : TARN_FLOAT32));
    outputs[0] = formula_narrow(x, inputs[0]->dtype);
    return outputs[0] != NULL;
}

tarn_array *tarn_hadamard_transform_with(tarn_array *x, tarn_hadamard_options o) {
    FRONT("hadamard_transform");
    REQUIRE(x);
    attributes_hadamard_transform a = attributes_hadamard_transform_default;
    if (o.scale.given) a.scale = o.scale.value;
    if (dtype_kind_of(x->dtype) < KIND_FLOAT) x = tarn_astype(x, TARN_FLOAT32);
    if (x && x->ndim == 0) return tarn_squeeze(BUILD(hadamard_transform, &a, tarn_expand_dims(x, TARN_AXES(0))));
    return BUILD(hadamard_transform, &a, x);
}

const op_rules rules_hadamard_transform = {.infer = infer, .formula = formula};
