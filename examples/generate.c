/* A prompt and its answer, with the pieces that tarn_chat puts together: generate MODEL_FOLDER PROMPT */
#include <stdio.h>
#include <string.h>
#include <tarn/tarn.h>

static bool answer(tarn_session *session, const int32_t *ids, size_t count) {
    tarn_generation result;
    bool ok = tarn_generate(session, ids, count, &result, .temperature = 0.8, .top_p = 0.95, .seed = TARN_SEED(7),
                            .max_tokens = TARN_VALUE(120), .stop = (const char *[]){"The end"}, .stop_count = 1);
    if (ok) printf("%s\n(%zu tokens, ended by %s)\n", result.text, result.token_count, tarn_finish_name(result.finish));
    tarn_generation_free(&result);
    return ok;
}

int main(int count, char **words) {
    const char *prompt = count > 2 ? words[2] : "Tell me a story about a fox.";
    int32_t *ids = NULL;
    size_t length = 0;
    tarn_model *model = tarn_model_load(count > 1 ? words[1] : "models/tiny");
    tarn_session *session = model ? tarn_session_new(model) : NULL;
    bool ok = session && tarn_model_encode_prompt(model, prompt, strlen(prompt), &ids, &length) &&
              answer(session, ids, length);
    if (!ok) fprintf(stderr, "generate: %s\n", tarn_error());
    tarn_free(ids);
    tarn_session_free(session);
    tarn_model_free(model);
    return ok ? 0 : 1;
}
