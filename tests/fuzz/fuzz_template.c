/* Any bytes as a chat template and its variables: the text before the first NUL is the template, the rest the JSON.
   Limits are low, so that every input ends soon; a result must be valid UTF-8, a failure must have a message. */
#include <string.h>

#include "base/text.h"
#include "tarn/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char usual[] =
    "{\"messages\": [{\"role\": \"user\", \"content\": \"h\\u00e9\"}, {\"role\": \"assistant\", \"content\": \"x\", "
    "\"tool_calls\": "
    "[{\"function\": {\"name\": \"f\", \"arguments\": {\"a\": [1, 2.5, null]}}}]}], \"add_generation_prompt\": true, "
    "\"n\": 3, "
    "\"l\": [3, 1, 2], \"s\": \"Hello World\", \"d\": {\"b\": 1, \"a\": 2}, \"bos_token\": \"<s>\"}";

static void require(bool condition) {
    if (!condition) __builtin_trap();
}

static void render(const tarn_template *parsed, const char *variables, size_t length) {
    static const int64_t clock = 1732342567;
    const tarn_template_options low = {
        .steps = 20000, .output_bytes = 1 << 16, .memory_bytes = 1 << 22, .depth = 200, .clock = &clock};
    size_t written = 0;
    char *text_out = tarn_template_render_with(parsed, variables, length, &written, low);
    require(text_out ? utf8_valid(text_out, written) && text_out[written] == 0 : tarn_error() != NULL);
    tarn_free(text_out);
    tarn_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *source = (const char *)data, *end = memchr(source, 0, size);
    size_t length = end ? (size_t)(end - source) : size;
    tarn_template *parsed = tarn_template_parse(source, length, "fuzz.jinja");
    if (parsed && end) render(parsed, end + 1, size - length - 1);
    if (parsed) render(parsed, usual, sizeof usual - 1);
    require(parsed || tarn_error());
    tarn_clear_error();
    tarn_template_free(parsed);
    return 0;
}
