/* Any bytes as the header, ended by a NUL, and the first data of a file of a prompt: keys "n.0" and values "n.1" of
   each layer n of a model of three layers, and "tokens". A session that takes them says so of its timeline and goes on.
 */
#include "folder_input.h"

static const char *const names[] = {"prompt.safetensors"};
enum { LAYERS = 3, VOCABULARY = 160 };
static tarn_model *model;

static void free_model(void) {
    tarn_model_free(model);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    model = tarn_model_load(TARN_SOURCE_DIR "/tests/data/golden/llama-tied");
    return model && atexit(free_model) == 0 ? make_folder() : 1;
}

static tarn_array *part(const tarn_tensors *file, int layer, int which) {
    char name[8];
    snprintf(name, sizeof name, "%d.%d", layer, which);
    return tarn_tensors_get(file, name);
}

/* The ids that the file names, if there are as many as rows; else they are not known. */
static const int32_t *ids_of(const tarn_tensors *file, tarn_array *keys) {
    tarn_array *ids = tarn_tensors_get(file, "tokens");
    bool fits =
        ids && keys && tarn_ndim(keys) == 4 && tarn_dtype_of(ids) == TARN_INT32 && tarn_size(ids) == tarn_dim(keys, 2);
    const int32_t *data = fits ? tarn_data(tarn_contiguous(ids)) : NULL;
    tarn_clear_error();
    return data;
}

static bool restore(tarn_session *session, const tarn_tensors *file) {
    tarn_array *keys[LAYERS], *values[LAYERS];
    for (int i = 0; i < LAYERS; i++) keys[i] = part(file, i, 0), values[i] = part(file, i, 1);
    const int32_t *ids = ids_of(file, keys[0]);
    tarn_clear_error(); /* of names that the file lacks */
    return tarn_session_restore(session, keys, values, LAYERS, ids);
}

/* What was restored is read, goes on by a token, and back to its beginning. */
static void go_on(tarn_session *session) {
    size_t count, more;
    const int32_t *held = tarn_session_tokens(session, &count), begin[] = {held[0], 5};
    bool among_unknown = held[0] < 0 && count > 1 && held[1] < 0;
    require(count > 0 && tarn_dim(tarn_session_keys(session, LAYERS - 1), 2) == (int64_t)count);
    if (tarn_session_step(session, 7)) {
        const int32_t *ids = tarn_session_tokens(session, &more);
        require(more == count + 1 && ids[count] == 7);
        require(tarn_dim(tarn_session_logits(session), -1) == VOCABULARY);
    }
    tarn_clear_error();
    require(tarn_session_sync(session, begin, 2) == !among_unknown);
    tarn_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TARN_SCOPE;
    const char *header;
    size_t length = cut(&data, &size, &header);
    write_tensors(names[0], header, length, data, size);
    tarn_tensors *file = tarn_load_safetensors(in_folder(names[0]));
    require((file != NULL) == tarn_ok());
    tarn_clear_error();
    tarn_session *session = tarn_session_new(model, .fast_cache = true);
    require(session != NULL);
    bool taken = file && restore(session, file);
    require(!file || taken == tarn_ok());
    tarn_clear_error();
    if (taken) go_on(session);
    tarn_session_free(session);
    tarn_tensors_free(file);
    remove_files(names, 1);
    return 0;
}
