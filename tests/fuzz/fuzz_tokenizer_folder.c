/* Any bytes as the files of a tokenizer's folder that has no tokenizer.json. What is accepted encodes and decodes. */
#include "folder_input.h"

static const char *const names[] = {"tokenizer_config.json",
                                    "special_tokens_map.json",
                                    "chat_template.jinja",
                                    "tekken.json",
                                    "vocab.json",
                                    "merges.txt"};
enum { NAMES = sizeof names / sizeof *names };

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    return make_folder();
}

static void round_trip(const tarn_tokenizer *t) {
    static const char sample[] = "Hello, w\xC3\xB6rld 123 <s> the\n\n  \xF0\x9F\x98\x80";
    int32_t *ids = NULL;
    size_t count = 0, length = 0;
    if (tarn_tokenizer_encode(t, sample, sizeof sample - 1, &ids, &count, .add_special_tokens = true))
        tarn_free(tarn_tokenizer_decode(t, ids, count, &length));
    tarn_free(ids);
    const char *chosen = tarn_tokenizer_chat_template(t, .length = &length);
    if (chosen) tarn_template_free(tarn_template_parse(chosen, length, "chat_template"));
    for (size_t i = 0; tarn_tokenizer_role(t, i); i++)
        require(tarn_tokenizer_named_token(t, tarn_tokenizer_role(t, i), &length) != NULL);
    tarn_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    write_files(names, NAMES, &data, &size);
    tarn_tokenizer *t = tarn_tokenizer_load(folder);
    require((t != NULL) == tarn_ok());
    if (t) round_trip(t);
    tarn_tokenizer_free(t);
    tarn_clear_error();
    remove_files(names, NAMES);
    return 0;
}
