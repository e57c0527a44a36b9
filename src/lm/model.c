/* Loading a model: config first, so that what is not supported is refused before weights are read; then tokenizer and
   template; then the weights, which stay in their files. */
#include "lm/model.h"

#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/model_folder.h"
#include "base/require.h"
#include "base/text.h"
#include "tarn/device.h"

/* Parses the template of that name, if there is one. */
static bool load_template(tarn_template **parsed, const tarn_tokenizer *tokenizer, const char *folder,
                          const char *name) {
    size_t length;
    const char *source = tarn_tokenizer_chat_template(tokenizer, .name = name, .length = &length);
    if (!source) return true;
    text title = {0};
    if (text_format(&title, "%s: chat template", folder))
        *parsed = tarn_template_parse(source, length, text_string(&title));
    text_free(&title);
    return *parsed != NULL;
}

static bool load_text_parts(tarn_model *model, const char *folder) {
    if (!tarn_tokenizer_found(folder)) return true;
    model->tokenizer = tarn_tokenizer_load(folder);
    if (!model->tokenizer) return false;
    return load_template(&model->chat_template, model->tokenizer, folder, "default") &&
           load_template(&model->tool_template, model->tokenizer, folder, "tool_use");
}

static bool bind_weights(tarn_model *model, const tensor_source *source, tarn_dtype dtype) {
    model->dtype = dtype;
    if (!parameters_load(&model->weights, &model->config, source, &model->dtype)) return false;
    parameters_count(&model->weights, &model->config, &model->count);
    return true;
}

/* On a device: once nobody else holds them, as parts that are joined are there beside the whole until they are freed.
 */
static bool place_weights(tarn_model *model) {
    if (tarn_default_device().type == TARN_CPU) return true;
    if (!parameters_join(&model->weights, &model->config)) return false;
    parameters_prefetch(&model->weights, &model->config);
    return true;
}

static bool load_files(tarn_model *model, const char *folder, tarn_dtype dtype) {
    file_tensors *files = file_tensors_open(folder);
    if (!files) return false;
    tensor_source source = file_source(files);
    bool ok = bind_weights(model, &source, dtype) && file_tensors_all_used(files);
    file_tensors_close(files);
    return ok && place_weights(model);
}

static const char *const dtype_keys[] = {"dtype", "torch_dtype"};

/* What config.json says that weights are stored in; float32 without a word. */
static tarn_dtype stored_dtype(const model_config *config) {
    tarn_dtype dtype;
    for (size_t i = 0; i < sizeof dtype_keys / sizeof *dtype_keys; i++) {
        const char *name = json_text(json_get(config->document, dtype_keys[i]), NULL);
        if (name && (!strcmp(name, "bfloat16") || !strcmp(name, "float16")) && tarn_dtype_from_name(name, &dtype))
            return dtype;
    }
    return TARN_FLOAT32;
}

/* A model whose weights are not there: all that config.json tells. */
static bool describe(tarn_model *model, tarn_dtype dtype) {
    const model_config *c = &model->config;
    random_tensors shapes = {.bits = c->quantized.bits ? c->quantized.bits : 16, .tied = c->tied, .shapes_only = true};
    tensor_source source = random_source(&shapes);
    model->described = true;
    return bind_weights(model, &source, dtype == TARN_BOOL ? stored_dtype(c) : dtype);
}

/* Where neither config names end tokens, the tokenizer's does it. */
static bool default_end_token(tarn_model *model) {
    int32_t id = model->tokenizer ? tarn_tokenizer_named_id(model->tokenizer, "eos_token") : -1;
    if (model->config.end_token_count || id < 0) return true;
    memory_free(model->config.end_tokens);
    model->config.end_tokens = memory_copy(&id, sizeof id);
    model->config.end_token_count = model->config.end_tokens != NULL;
    return model->config.end_tokens != NULL;
}

static tarn_model *finish(tarn_model *model, bool ok) {
    if (ok) return model;
    tarn_model_free(model);
    return NULL;
}

static bool check_dtype(const char *function, tarn_dtype dtype) {
    if (dtype == TARN_BOOL || dtype == TARN_FLOAT32 || dtype == TARN_BFLOAT16 || dtype == TARN_FLOAT16) return true;
    return tarn_fail_kind(TARN_ERROR_TYPE, "%s: .dtype must be float32, bfloat16 or float16, not %s", function,
                          tarn_dtype_name(dtype));
}

static bool load(tarn_model *model, const char *folder, const tarn_model_options *o) {
    bool ok = config_load(&model->config, folder) && (o->no_tokenizer || load_text_parts(model, folder)) &&
              default_end_token(model);
    bool alone = o->describe && !model_folder_has_weights(folder);
    return ok && (alone ? describe(model, o->dtype) : load_files(model, folder, o->dtype));
}

tarn_model *tarn_model_load_with(const char *folder, tarn_model_options options) {
    if (!REQUIRE(folder) || !check_dtype("tarn_model_load", options.dtype)) return NULL;
    tarn_model *model = NEW(tarn_model);
    if (!model) return NULL;
    bool before = tarn_ok(), ok = load(model, folder, &options);
    if (!ok && before) error_blame(TARN_ERROR_IO);
    return finish(model, ok);
}

void tarn_model_free(tarn_model *model) {
    if (!model) return;
    parameters_free(&model->weights, &model->config);
    config_free(&model->config);
    tarn_tokenizer_free(model->tokenizer);
    if (model->chat_template) tarn_template_free(model->chat_template);
    if (model->tool_template) tarn_template_free(model->tool_template);
    memory_free(model);
}

/* ---- known shapes */

typedef struct {
    const char *name, *model_type;
    int hidden, mlp, layers, heads, kv_heads, head_dim, vocab, context, theta;
    bool tied;
} known_shape;
static const known_shape known_shapes[] = {
#define SHAPE(...) {__VA_ARGS__},
#include "lm/shapes.def"
#undef SHAPE
};

const char *tarn_model_shapes(void) {
    return
#define SHAPE(name, ...) name " "
#include "lm/shapes.def"
#undef SHAPE
        "";
}

static bool shape_config(model_config *config, const known_shape *s, int bits) {
    text t = {0};
    text_format(
        &t,
        "{\"model_type\":\"%s\",\"hidden_size\":%d,\"intermediate_size\":%d,\"num_hidden_layers\":%d,\"num_attention_"
        "heads\":%d,"
        "\"num_key_value_heads\":%d,\"head_dim\":%d,\"vocab_size\":%d,\"max_position_embeddings\":%d,\"rope_theta\":%d,"
        "\"tie_word_embeddings\":%s,\"sliding_window\":null",
        s->model_type, s->hidden, s->mlp, s->layers, s->heads, s->kv_heads, s->head_dim, s->vocab, s->context, s->theta,
        s->tied ? "true" : "false");
    if (bits < 16) text_format(&t, ",\"quantization\":{\"group_size\":64,\"bits\":%d}", bits);
    bool ok = text_add(&t, "}") && config_parse(config, text_string(&t), t.length, s->name);
    text_free(&t);
    return ok;
}

tarn_model *tarn_model_random_with(const char *shape, int bits, tarn_model_options options) {
    const known_shape *found = NULL;
    if (!REQUIRE(shape) || !check_dtype("tarn_model_random", options.dtype)) return NULL;
    for (size_t i = 0; i < sizeof known_shapes / sizeof *known_shapes; i++)
        if (!strcmp(shape, known_shapes[i].name)) found = &known_shapes[i];
    if (!found) return tarn_fail("\"%.64s\" is no known shape; known are %s", shape, tarn_model_shapes()), NULL;
    tarn_model *model = NEW(tarn_model);
    if (!model) return NULL;
    random_tensors random = {.state = 1, .bits = bits, .tied = found->tied};
    tensor_source source = random_source(&random);
    bool ok = shape_config(&model->config, found, bits) && bind_weights(model, &source, options.dtype);
    return finish(model, ok && place_weights(model));
}

/* ---- facts */

/* Of one token. */
static int64_t cache_bytes(const tarn_model *model) {
    int64_t values = 0;
    for (int64_t i = 0; i < model->config.layers; i++) {
        cache_kind kind = model->config.family->rules->cache(&model->config, i);
        values += kind.heads * (kind.key_dim + kind.value_dim);
    }
    return values * tarn_dtype_bytes(model->dtype);
}

bool tarn_model_info(const tarn_model *model, tarn_model_facts *facts) {
    if (!REQUIRE(model) || !REQUIRE(facts)) return false;
    const model_config *c = &model->config;
    const parameter_count *n = &model->count;
    *facts = (tarn_model_facts){
        .model_type = c->family->name,
        .vocab_size = c->vocab,
        .hidden_size = c->hidden,
        .layers = c->layers,
        .heads = c->heads,
        .kv_heads = c->kv_heads,
        .head_dim = c->head_dim,
        .context = c->positions,
        .parameters = n->parameters,
        .weight_bytes = n->bytes,
        .step_bytes = n->step_bytes,
        .cache_bytes_per_token = cache_bytes(model),
        .layer_parameters = n->matrix_parameters,
        .bits = n->bits,
        .group_size = n->group_size,
        .bits_per_weight = n->parameters ? 8.0 * (double)n->bytes / (double)n->parameters : 0,
        .dtype = model->dtype,
        .has_weights = !model->described,
    };
    return true;
}

const tarn_tokenizer *tarn_model_tokenizer(const tarn_model *model) {
    return REQUIRE(model) ? model->tokenizer : NULL;
}

const tarn_template *tarn_model_template(const tarn_model *model) {
    return REQUIRE(model) ? model->chat_template : NULL;
}

const int32_t *tarn_model_end_tokens(const tarn_model *model, int *count) {
    if (!REQUIRE(count)) return NULL;
    *count = 0;
    if (!REQUIRE(model)) return NULL;
    *count = model->config.end_token_count;
    return model->config.end_tokens;
}
