/* Fuzzes tokenizer.json: the bytes are loaded as one, then text is encoded and decoded with what came of it. With a
   first byte 'T' the rest is text for a fixed tokenizer instead. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tarn/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char fixed[] = "{\"added_tokens\":[{\"id\":4,\"content\":\"<s>\",\"single_word\":true,\"lstrip\":true,"
                            "\"rstrip\":true,\"normalized\":true,\"special\":"
                            "true}],"
                            "\"normalizer\":{\"type\":\"NFKC\"},\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_"
                            "space\":true,\"use_regex\":true},"
                            "\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":"
                            "1,\"ab\":2,\"\\u0120\":3},\"merges\":[\"a "
                            "b\"]}}";

static void round_trip(const tarn_tokenizer *t, const char *text, size_t length) {
    int32_t *ids = NULL;
    size_t count = 0;
    if (tarn_tokenizer_encode(t, text, length, &ids, &count, .add_special_tokens = true)) {
        tarn_free(tarn_tokenizer_decode(t, ids, count, NULL));
        tarn_token_stream *stream = tarn_token_stream_new(t, .skip_special_tokens = true);
        for (size_t i = 0; stream && i < count; i++) (void)tarn_token_stream_push(stream, ids[i], NULL);
        if (stream) (void)tarn_token_stream_finish(stream, NULL);
        tarn_token_stream_free(stream);
    }
    tarn_free(ids);
    tarn_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char sample[] = "Hello, w\xC3\xB6rld 123 <s> \xE2\x96\x81 aab\n\n  \xF0\x9F\x98\x80";
    bool is_text = size > 0 && data[0] == 'T';
    tarn_tokenizer *t = is_text ? tarn_tokenizer_from_json(fixed, strlen(fixed), "tokenizer.json")
                                : tarn_tokenizer_from_json((const char *)data, size, "tokenizer.json");
    if (!t && tarn_ok()) abort(); /* a failure without a message */
    tarn_clear_error();
    if (!t) return 0;
    if (is_text)
        round_trip(t, (const char *)data + 1, size - 1);
    else
        round_trip(t, sample, strlen(sample));
    (void)tarn_tokenizer_configure(t, (const char *)data, size, "tokenizer_config.json");
    tarn_clear_error();
    tarn_tokenizer_free(t);
    return 0;
}
