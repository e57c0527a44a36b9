/* Log-probabilities of given tokens. */
#include <math.h>

#include "base/require.h"
#include "lm/session.h"

typedef struct {
    const int32_t *ids;
    int64_t count;
    double *logprobs;
} scoring;

/* How many of the n positions have a next token that is given. */
static int64_t scored(const scoring *s, int64_t position, int64_t n) {
    return position + n < s->count ? n : n - 1;
}

static tarn_array *make_logprobs(void *context, tarn_array *logits, int64_t position, int64_t n) {
    const scoring *s = context;
    n = scored(s, position, n);
    tarn_array *next = tarn_from_data(s->ids + position + 1, TARN_SHAPE(n, 1), TARN_INT32);
    tarn_array *x = tarn_astype(tarn_slice_axis(logits, 0, 0, n), TARN_FLOAT32);
    return tarn_subtract(tarn_take_along_axis(x, next, 1), tarn_logsumexp(x, .axes = TARN_AXES(1), .keepdims = true));
}

static bool take_logprobs(void *context, tarn_array *made, int64_t position, int64_t n) {
    const scoring *s = context;
    const float *values = tarn_data(made);
    if (!values) return false;
    n = scored(s, position, n);
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            return tarn_fail("the log-probability of token %d at position %lld is not finite: the weights are damaged, or too large for "
                             "this dtype",
                             s->ids[position + i + 1], (long long)(position + i + 1));
        s->logprobs[position + i] = (double)values[i];
    }
    return true;
}

bool tarn_score(tarn_session *session, const int32_t *ids, size_t count, double *logprobs) {
    if (!REQUIRE(session) || !REQUIRE(ids) || !REQUIRE(logprobs)) return false;
    scoring s = {ids, (int64_t)count, logprobs};
    return session_read(session, ids, count, &(logits_reader){make_logprobs, take_logprobs, &s});
}
