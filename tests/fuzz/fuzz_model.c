/* Any bytes as config.json, generation_config.json and the header of the model.safetensors of a folder, whose data is
   zeros. A model that is accepted takes tokens: what fields and shapes say goes together. */
#include "folder_input.h"

static const char *const names[] = {"config.json", "generation_config.json", "model.safetensors"};
enum { CONFIGS = 2, NAMES = 3, DATA = 1 << 20, MOST_TOKENS = 3 };

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    return make_folder();
}

/* The length of the data is the largest number in the header, as it is in one that is right. */
static size_t data_length(const char *header, size_t length) {
    size_t most = 0;
    for (size_t i = 0, number = 0; i < length; i++) {
        number = header[i] >= '0' && header[i] <= '9' && number < DATA ? number * 10 + (size_t)(header[i] - '0') : 0;
        if (number > most && number <= DATA) most = number;
    }
    return most;
}

static void write_weights(const char *header, size_t length) {
    unsigned char size[8];
    for (int i = 0; i < 8; i++) size[i] = (unsigned char)((uint64_t)length >> (8 * i));
    FILE *file = fopen(in_folder(names[CONFIGS]), "wb");
    require(file && fwrite(size, 1, 8, file) == 8 && fwrite(header, 1, length, file) == length && fclose(file) == 0);
    require(truncate(in_folder(names[CONFIGS]), (off_t)(8 + length + data_length(header, length))) == 0);
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
    if (length) write_weights(header, length);
    tarn_model *model = tarn_model_load(folder);
    require((model != NULL) == tarn_ok());
    if (model) take_tokens(model);
    tarn_model_free(model);
    tarn_clear_error();
    remove_files(names, NAMES);
    return 0;
}
