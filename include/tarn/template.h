/* Chat templates: a sandboxed subset of Jinja that renders what Python's Jinja2 renders with the settings of Hugging
   Face transformers (ImmutableSandboxedEnvironment, trim_blocks, lstrip_blocks, break and continue, {% generation %},
   transformers' tojson, raise_exception, strftime_now, namespace). Not in the subset: inheritance, include and import,
   autoescape, trans, integers beyond 64 bits; using them is an error that says so. A template reaches nothing but its
   variables. */
#ifndef TARN_TEMPLATE_H
#define TARN_TEMPLATE_H

#include <stddef.h>
#include <stdint.h>

#include "tarn/error.h"
#include "tarn/options.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tarn_template tarn_template;

/* Parses source[0..length), UTF-8; the bytes are not needed afterwards. Errors read "name:line:column: what". A parsed
   template is never changed: any number of threads may render it at once. NULL on failure. */
TARN_API tarn_template *tarn_template_parse(const char *source, size_t length, const char *name);
TARN_API void tarn_template_free(tarn_template *parsed);

/* What one rendering may use; 0 means the default. */
typedef struct {
    int begin_;
    int64_t steps; /* nodes evaluated, plus one for about every 64 bytes or items handled inside one: 10 million */
    size_t output_bytes;  /* of the result: 64 MiB */
    size_t memory_bytes;  /* of intermediate values: 512 MiB */
    int depth;            /* nested evaluations, a macro call takes about ten: 1500 */
    const int64_t *clock; /* seconds since 1970 in UTC that strftime_now shows; NULL: the local time now */
    int end_;
} tarn_template_options;

/* Renders with the variables of one JSON object (messages, tools, add_generation_prompt, bos_token, …). Returns UTF-8
   followed by a NUL that is not counted in *out_length (may be NULL); release it with tarn_free. NULL on failure; the
   message of the template's own raise_exception stands in the error after the position. */
#define tarn_template_render(...) TARN_CALL(4, tarn_template_render_with, tarn_template_options, __VA_ARGS__)
TARN_API char *tarn_template_render_with(const tarn_template *parsed, const char *variables_json, size_t length,
                                         size_t *out_length, tarn_template_options options TARN_ABSENT);

#ifdef __cplusplus
}
#endif
#endif
