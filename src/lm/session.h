/* One timeline of tokens over a shared model. */
#ifndef LM_SESSION_H
#define LM_SESSION_H

#include "lm/steps.h"

enum { TOKEN_UNKNOWN = -1 }; /* one whose keys and values came without it; only the first of a timeline are */

struct tarn_session {
    const tarn_model *model;
    kv_cache cache;
    int64_t context;
    /* Prompts are computed in calls on the positions [k * chunk, (k + 1) * chunk): always the same calls for the same
       tokens, so that what a session kept is bit for bit what a fresh one would compute. */
    int64_t chunk;
    bool fast_cache;
    int32_t *tokens; /* [context] */
    int64_t count;   /* tokens whose keys and values are in the cache */
    int64_t settled; /* of these, the first ones that were computed as prompt */
    int64_t reused;
    tarn_array *logits; /* [vocab] after the last token, kept; NULL if there is none */
    stepper steps;
    tarn_compiled *chunks; /* plans of chunks of prompts, on devices; NULL until the first */
    bool last_chunk;       /* what `chunks` plans: whether the logits are wanted */
    int64_t ahead_until;   /* up to how many tokens steps are begun ahead; 0: none is */
};

/* What to do with the logits [n, vocab] of the n tokens that a call appends at `position`: `make` says in operations
   what is wanted of them, `take` gets that computed. */
typedef struct {
    tarn_array *(*make)(void *context, tarn_array *logits, int64_t position, int64_t n);
    bool (*take)(void *context, tarn_array *made, int64_t position, int64_t n);
    void *context;
} logits_reader;
/* Who follows a prompt while it is computed; every member may be NULL. */
typedef struct {
    const volatile sig_atomic_t *interrupt; /* looked at between chunks: not 0 stops with an error */
    void (*progress)(void *context, int64_t computed, int64_t all); /* before the first chunk and after each */
    void *context;                                                  /* of progress */
    const logits_reader *reader;                                    /* of the logits of every position */
    const sampler *sampler; /* draws behind the prompt, and behind each step until session_end_draws */
} prompt_watch;
/* Room for so many tokens. */
bool session_reserve(tarn_session *session, int64_t tokens);
/* After a failure nothing in the cache can be trusted. Returns false. */
bool session_forget(tarn_session *session);
/* What was drawn last, which is the only token to be appended; negative: none could be. Fails if something else has
   been done with the session meanwhile. */
bool session_drawn(const tarn_session *session, const sampler *by, int32_t *token);
void session_end_draws(tarn_session *session);
/* Holds these tokens, which a row of another cache has been computed of, instead. */
bool session_take(tarn_session *session, const kv_cache *from, int64_t row, const int32_t *ids, int64_t count);
/* Has steps be begun ahead up to `count` tokens: somebody will go on with what is drawn. */
void session_run_ahead(tarn_session *session, int64_t count);
/* Whether the context can hold the prompt and the model knows its tokens. */
bool session_check(const tarn_session *session, const int32_t *ids, size_t count);
/* The same of a prompt that begins with what the session holds, unknown tokens too. */
bool session_check_following(const tarn_session *session, const int32_t *ids, size_t count);
/* As tarn_session_sync, watched. */
bool session_follow(tarn_session *session, const int32_t *ids, size_t count, const prompt_watch *watch);
/* The same from nothing, so that the reader sees every position. */
bool session_read(tarn_session *session, const int32_t *ids, size_t count, const prompt_watch *watch);

#endif
