/* What a session has computed, as arrays, and back from arrays. */
#include "base/require.h"
#include "lm/session.h"

/* ---- out */

static tarn_array *computed(const tarn_session *s, int64_t layer, int64_t which) {
    if (!REQUIRE(s)) return NULL;
    if (layer < 0 || layer >= s->cache.layers || !s->cache.kinds[layer].heads)
        return tarn_fail("layer %lld keeps no keys and values", (long long)layer), NULL;
    if (!s->count) return tarn_fail("the session holds no tokens"), NULL;
    tarn_array *rows = tarn_contiguous(tarn_slice_axis(s->cache.arrays[2 * layer + which], 2, 0, s->count));
    return rows && tarn_eval(rows) ? rows : NULL; /* now: the next step writes over what they are taken of */
}

tarn_array *tarn_session_keys(const tarn_session *session, int64_t layer) {
    return computed(session, layer, 0);
}
tarn_array *tarn_session_values(const tarn_session *session, int64_t layer) {
    return computed(session, layer, 1);
}

/* ---- in */

static bool check_rows(const cache_kind *kind, int64_t layer, tarn_array *rows, int64_t dim, int64_t count) {
    if (!REQUIRE(rows)) return false;
    tarn_ints shape = tarn_shape_of(rows);
    if (shape.count == 4 && shape.values[0] == 1 && shape.values[1] == kind->heads && shape.values[2] == count &&
        shape.values[3] == dim)
        return true;
    return tarn_fail("keys and values of layer %lld: [1, %lld, %lld, %lld] is needed of this model's", (long long)layer,
                     (long long)kind->heads, (long long)count, (long long)dim);
}

static bool check_arrays(const tarn_session *s, tarn_array *const *keys, tarn_array *const *values, int64_t count) {
    for (int64_t i = 0; i < s->cache.layers; i++) {
        const cache_kind *kind = &s->cache.kinds[i];
        if (kind->heads && (!check_rows(kind, i, keys[i], kind->key_dim, count) ||
                            !check_rows(kind, i, values[i], kind->value_dim, count)))
            return false;
    }
    return true;
}

/* How many rows there are, by the first layer that has some; 0 with an error. */
static int64_t count_rows(const tarn_session *s, tarn_array *const *keys, int64_t layers) {
    if (!s->fast_cache) return tarn_fail("only a session with .fast_cache takes what another has computed"), 0;
    if (layers != s->cache.layers)
        return tarn_fail("keys and values of %lld layers, but the model has %lld", (long long)layers,
                         (long long)s->cache.layers),
               0;
    int64_t first = 0, count = 0;
    while (first < layers - 1 && !s->cache.kinds[first].heads) first++;
    if (REQUIRE(keys[first]) && tarn_ndim(keys[first]) == 4) count = tarn_dim(keys[first], 2);
    if (count > 0 && count <= s->context) return count;
    return tarn_fail("keys of %lld tokens: 1 to %lld are needed", (long long)count, (long long)s->context), 0;
}

/* Each is of the vocabulary, or, ahead of all others, unknown. */
static bool check_names(const tarn_session *s, const int32_t *ids, int64_t count) {
    for (int64_t i = 0; ids && i < count; i++)
        if (ids[i] >= s->model->config.vocab ||
            (ids[i] < 0 && (ids[i] != TOKEN_UNKNOWN || (i > 0 && ids[i - 1] != TOKEN_UNKNOWN))))
            return tarn_fail("token %d at %lld is outside the model's vocabulary of %lld", ids[i], (long long)i,
                             (long long)s->model->config.vocab);
    return true;
}

static bool write_rows(tarn_session *s, tarn_array *const *keys, tarn_array *const *values) {
    TARN_SCOPE;
    tarn_array *start = tarn_zeros(TARN_SHAPE(1), TARN_INT32);
    for (int64_t i = 0; i < s->cache.layers; i++)
        if (s->cache.kinds[i].heads && (!kv_cache_write(&s->cache, 2 * i, keys[i], start) ||
                                        !kv_cache_write(&s->cache, 2 * i + 1, values[i], start)))
            return false;
    return kv_cache_settle(&s->cache, &start, 1, true);
}

static void name_tokens(tarn_session *s, const int32_t *ids, int64_t count) {
    for (int64_t i = 0; i < count; i++) s->tokens[i] = ids ? ids[i] : TOKEN_UNKNOWN;
    s->count = s->settled = count;
}

bool tarn_session_restore(tarn_session *session, tarn_array *const *keys, tarn_array *const *values, int64_t layers,
                          const int32_t *ids) {
    if (!REQUIRE(session) || !REQUIRE(keys) || !REQUIRE(values) || !tarn_ok()) return false;
    session_forget(session);
    int64_t count = count_rows(session, keys, layers);
    if (!count || !check_arrays(session, keys, values, count) || !check_names(session, ids, count)) return false;
    int64_t wanted = count < session->context ? count + 1 : count;
    if (!session_reserve(session, wanted) || !write_rows(session, keys, values)) return session_forget(session);
    name_tokens(session, ids, count);
    return true;
}
