/* What a decoding step gives a device: one plan, from the token before it to the token that is drawn, and that token's
   way home. On the mock device, which counts. */
#include <dlfcn.h>
#include <stdlib.h>

#include "check.h"
#include "mock/hooks.h"
#include "tarn/lm.h"
#include "tarn/tarn.h"
#include "paths.h"

static void *library;
#define HOOK(name) (*(__typeof__(name) **)(void *)&(void *){dlsym(library, #name)})

typedef struct {
    int64_t submissions, replays, launches, copies, copied_bytes;
} given;

static given given_so_far(void) {
    return (given){HOOK(tarn_mock_submissions)(), HOOK(tarn_mock_replays)(), HOOK(tarn_mock_launches)(),
                   HOOK(tarn_mock_copies)(), HOOK(tarn_mock_copied_bytes)()};
}

typedef struct {
    const char *name;
    double temperature, top_p, min_p;
    int64_t top_k;
} sampling;
static const sampling samplings[] = {{"likeliest", 0, 0, 0, 0},
                                     {"temperature", 0.8, 0, 0, 0},
                                     {"top_p", 0.8, 0.9, 0, 0},
                                     {"min_p and top_k", 0.8, 0, 0.02, 20}};
enum { SAMPLINGS = sizeof samplings / sizeof *samplings, FEW = 3, MANY = 8, BYTES_HOME = 64 };

/* What an answer of so many tokens gave. */
static given answer(tarn_model *model, const sampling *s, int64_t tokens) {
    const int32_t ids[] = {1, 2, 3, 4};
    tarn_session *session = tarn_session_new(model, .context = 64);
    tarn_generation made = {0};
    const given before = given_so_far();
    CHECK(session && tarn_generate(session, ids, 4, &made, .temperature = s->temperature, .top_p = s->top_p,
                                   .min_p = s->min_p, .top_k = s->top_k, .seed = TARN_SEED(7), .ignore_end = true,
                                   .max_tokens = TARN_VALUE((double)tokens)));
    CHECK((int64_t)made.token_count == tokens);
    tarn_generation_free(&made);
    tarn_session_free(session);
    tarn_synchronize(NULL);
    const given now = given_so_far();
    return (given){now.submissions - before.submissions, now.replays - before.replays, now.launches - before.launches,
                   now.copies - before.copies, now.copied_bytes - before.copied_bytes};
}

/* The first answers make what plans and kernels need; of two later ones the longer is compared with the shorter. */
static void test_steps(tarn_model *model, const sampling *s) {
    const int64_t steps = MANY - FEW;
    answer(model, s, FEW);
    const given few = answer(model, s, FEW), many = answer(model, s, MANY);
    printf("%s: %lld steps: %lld plans, %lld submissions, %lld copies, %lld bytes\n", s->name, (long long)steps,
           (long long)(many.replays - few.replays), (long long)(many.submissions - few.submissions),
           (long long)(many.copies - few.copies), (long long)(many.copied_bytes - few.copied_bytes));
    CHECK(many.replays - few.replays == steps);
    CHECK(many.submissions - few.submissions == 2 * steps);
    CHECK(many.copies - few.copies == steps);
    CHECK(many.copied_bytes - few.copied_bytes <= BYTES_HOME * steps);
}

/* What is joined is there as parts, too, but not all at once. */
static void test_loading(void) {
    tarn_memory m = {0};
    tarn_synchronize(NULL);
    CHECK(tarn_memory_info(tarn_default_device(), &m));
    printf("%lld bytes of weights, %lld at most\n", (long long)m.active, (long long)m.peak_active);
    CHECK(m.active > 0 && m.peak_active < m.active * 5 / 4);
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    library = dlopen(TARN_BUILD_DIR "/libtarn_mock.so", RTLD_NOW | RTLD_LOCAL);
    if (!library || !tarn_set_default_device((tarn_device){TARN_MOCK, 0}))
        return printf("there is no mock device here\n"), 77;
    tarn_model *model = tarn_model_load(TARN_SOURCE_DIR "/models/tiny");
    CHECK(model != NULL);
    test_loading();
    for (int i = 0; model && i < SAMPLINGS; i++) test_steps(model, &samplings[i]);
    tarn_model_free(model);
    return check_report("steps");
}
