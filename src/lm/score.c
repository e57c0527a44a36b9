/* Log-probabilities of given tokens. */
#include <math.h>

#include "base/require.h"
#include "lm/session.h"

typedef struct {
    const int32_t *ids;
    int64_t count;
    double *logprobs;
    int64_t known; /* how many of the first are there already */
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
    return tarn_subtract(tarn_take_along_axis(x, next, .axis = TARN_AXIS(1)),
                         tarn_logsumexp(x, .axes = TARN_AXES(1), .keepdims = true));
}

static bool take_logprobs(void *context, tarn_array *made, int64_t position, int64_t n) {
    const scoring *s = context;
    const float *values = tarn_data(made);
    if (!values) return false;
    n = scored(s, position, n);
    for (int64_t i = position < s->known ? s->known - position : 0; i < n; i++) {
        if (!isfinite(values[i]))
            return tarn_fail("the log-probability of token %d at position %lld is not finite: the weights are damaged, "
                             "or too large for "
                             "this dtype",
                             s->ids[position + i + 1], (long long)(position + i + 1));
        s->logprobs[position + i] = (double)values[i];
    }
    return true;
}

/* ---- windows */

typedef struct {
    const tarn_score_options *options;
    int64_t begin, known, all; /* the ids before `known` have been scored */
} window;

/* A window's progress as that of the whole: it computes ids that have been scored, too, and goes on by those that have
 * not. */
static void tell(void *context, int64_t computed, int64_t length) {
    const window *w = context;
    int64_t further = w->begin + length - w->known;
    w->options->on_prompt(w->options->context, w->known + further * computed / length, w->all);
}

/* The window of `length` ids from w->begin on. */
static bool score_window(tarn_session *session, window *w, int64_t length, const int32_t *ids, double *logprobs) {
    scoring s = {ids + w->begin, length, logprobs + w->begin, w->known > w->begin ? w->known - w->begin - 1 : 0};
    const logits_reader reader = {make_logprobs, take_logprobs, &s};
    const prompt_watch watch = {.interrupt = w->options->interrupt,
                                .progress = w->options->on_prompt ? tell : NULL,
                                .context = w,
                                .reader = &reader};
    return session_read(session, s.ids, (size_t)length, &watch);
}

static bool check(const tarn_session *session, size_t count, int64_t stride) {
    long long context = session->context;
    if (count < 2)
        return tarn_fail("score: the text has %zu tokens, and the first is not scored: at least 2 are needed", count);
    if (stride < 0 || (stride && stride >= context))
        return tarn_fail("score: stride %lld is not from 1 to %lld", (long long)stride, context - 1);
    if (count <= (size_t)context || stride) return true;
    return tarn_fail(
        "score: the text has %zu tokens, but the context holds %lld: a stride is needed to score it in windows", count,
        context);
}

bool tarn_score_with(tarn_session *session, const int32_t *ids, size_t count, double *logprobs,
                     tarn_score_options options) {
    if (!REQUIRE(session) || !REQUIRE(ids) || !REQUIRE(logprobs) || !check(session, count, options.stride))
        return false;
    window w = {.options = &options, .all = (int64_t)count};
    for (; w.known < w.all; w.begin += options.stride) {
        int64_t length = w.all - w.begin < session->context ? w.all - w.begin : session->context;
        if (!score_window(session, &w, length, ids, logprobs)) return false;
        w.known = w.begin + length;
    }
    return true;
}
