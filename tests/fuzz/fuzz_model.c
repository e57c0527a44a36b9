/* Any bytes as config.json, generation_config.json and the header of the model.safetensors of a folder, whose data is
   zeros. A model that is accepted takes tokens: what fields and shapes say goes together. */
#include "folder_input.h"

static const char *const names[] = {"config.json", "generation_config.json", "model.safetensors"};
enum { CONFIGS = 2, NAMES = 3, MOST_TOKENS = 3 };

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    return make_folder();
}

static void take_tokens(const tarn_model *model) {
    TARN_SCOPE;
    static const int32_t ids[MOST_TOKENS] = {0, 0, 0};
    tarn_model_facts facts;
    require(tarn_model_info(model, &facts) && facts.vocab_size > 0 && facts.layers > 0);
    if (facts.hidden_size * facts.heads > 4096 || facts.context < MOST_TOKENS) return;
    tarn_session *session = tarn_session_new(model);
    if (session && tarn_session_sync(session, ids, MOST_TOKENS))
        require(tarn_dim(tarn_session_logits(session), -1) == facts.vocab_size);
    require((session && tarn_session_logits(session)) == tarn_ok());
    tarn_session_free(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *header;
    write_files(names, CONFIGS, &data, &size);
    size_t length = cut(&data, &size, &header);
    if (length) write_tensors(names[CONFIGS], header, length, NULL, 0);
    tarn_model *model = tarn_model_load(folder);
    require((model != NULL) == tarn_ok());
    if (model) take_tokens(model);
    tarn_model_free(model);
    tarn_clear_error();
    remove_files(names, NAMES);
    return 0;
}
