/* config.json and generation_config.json into a checked struct. Rotary scaling is in config_rope.c; what the weights
   look like is checked against this struct in parameters.c. Nothing here touches weights: an unsupported model is
   refused first. */
#include "lm/config.h"

#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/model_folder.h"
#include "base/text.h"
#include "lm/activations.h"
#include "tarn/error.h"
#include "tarn/ops.h"

#define MODEL(name, rules, ...) extern const struct model_rules rules_##rules;
#include "lm/models.def"
#undef MODEL

const model_family model_families[] = {
#define MODEL(name, rules, head_dim, kv_heads, positions, eps, qkv_bias, o_bias, mlp_bias, qk_norm, window, rotary)    \
    {#name,  &rules_##rules, head_dim, kv_heads, positions, eps, {NEVER, ALWAYS, qkv_bias, o_bias, mlp_bias, qk_norm}, \
     window, rotary},
#include "lm/models.def"
#undef MODEL
};
const int model_family_count = (int)(sizeof model_families / sizeof *model_families);

/* Limits far above any model, low enough that products of three of them fit in 64 bits. */
enum { MOST_LAYERS = 4096, MOST_HEADS = 4096, MOST_HEAD_DIM = 8192, MOST_WIDTH = 1 << 22, MOST_FILE = 16 << 20 };
static const int64_t most_ids = INT32_MAX - 1;

/* ---- which family */

static bool unsupported_model(const char *file, const char *name) {
    text list = {0};
    for (int i = 0; i < model_family_count; i++) text_format(&list, "%s%s", i ? ", " : "", model_families[i].name);
    tarn_fail("%s: model_type \"%.64s\" is not supported; supported are %s", file, name, text_string(&list));
    text_free(&list);
    return false;
}

static bool read_family(model_config *config, const field_reader *fields) {
    const json *value = field_find(fields, "model_type");
    const char *name = json_text(value, NULL);
    if (!value) return tarn_fail("%s: \"model_type\" is missing", fields->file);
    if (!name) return tarn_fail("%s: \"model_type\" must be a string", fields->file);
    for (int i = 0; i < model_family_count; i++)
        if (!strcmp(name, model_families[i].name)) config->family = &model_families[i];
    return config->family ? true : unsupported_model(fields->file, name);
}

/* ---- sizes */

static bool read_sizes(model_config *c, const field_reader *fields) {
    if (!field_integer(fields, "vocab_size", 1, most_ids, NULL, &c->vocab) ||
        !field_integer(fields, "hidden_size", 1, MOST_WIDTH, NULL, &c->hidden) ||
        !field_integer(fields, "intermediate_size", 1, MOST_WIDTH, NULL, &c->mlp) ||
        !field_integer(fields, "num_hidden_layers", 1, MOST_LAYERS, NULL, &c->layers) ||
        !field_integer(fields, "num_attention_heads", 1, MOST_HEADS, NULL, &c->heads) ||
        !field_integer(fields, "max_position_embeddings", 1, most_ids, &c->family->positions, &c->positions))
        return false;
    bool given = json_get(fields->object, "num_key_value_heads") == NULL; /* null means: as many as heads */
    int64_t kv_heads = given && c->family->kv_heads ? c->family->kv_heads : c->heads;
    if (!field_integer(fields, "num_key_value_heads", 1, MOST_HEADS, &kv_heads, &c->kv_heads)) return false;
    if (c->heads % c->kv_heads)
        return tarn_fail("%s: \"num_attention_heads\" %lld is no multiple of \"num_key_value_heads\" %lld",
                         fields->file, (long long)c->heads, (long long)c->kv_heads);
    int64_t head_dim = c->family->head_dim ? c->family->head_dim : c->hidden / c->heads; /* rounded down */
    if (!head_dim && !field_find(fields, "head_dim"))
        return tarn_fail(
            "%s: \"hidden_size\" %lld is less than \"num_attention_heads\" %lld, and there is no \"head_dim\"",
            fields->file, (long long)c->hidden, (long long)c->heads);
    if (!field_integer(fields, "head_dim", 1, MOST_HEAD_DIM, &head_dim, &c->head_dim)) return false;
    return c->head_dim % 2 == 0 ||
           tarn_fail("%s: \"head_dim\" %lld must be even", fields->file, (long long)c->head_dim);
}

static bool read_activation(model_config *c, const field_reader *fields) {
    const json *value = field_find(fields, "hidden_act");
    const char *name = value ? json_text(value, NULL) : "silu";
    if (!name) return tarn_fail("%s: \"hidden_act\" must be a string", fields->file);
    c->activation = activation_find(name);
    return c->activation || tarn_fail("%s: \"hidden_act\" \"%.32s\" is not supported; supported are %s", fields->file,
                                      name, activation_names());
}

static bool read_switches(model_config *c, const field_reader *fields) {
    c->has_tie = field_find(fields, "tie_word_embeddings") != NULL;
    return read_activation(c, fields) && field_number(fields, "rms_norm_eps", 0, 1, &c->family->eps, &c->eps) &&
           field_boolean(fields, "attention_bias", false, &c->attention_bias) &&
           field_boolean(fields, "mlp_bias", false, &c->mlp_bias) &&
           field_boolean(fields, "tie_word_embeddings", false, &c->tied);
}

bool config_has(const model_config *config, model_part part) {
    part_rule rule = config->family->parts[part];
    return rule == ALWAYS || (rule == IF_ATTENTION_BIAS && config->attention_bias) ||
           (rule == IF_MLP_BIAS && config->mlp_bias);
}

/* ---- windows */

static bool read_layer_types(model_config *c, const field_reader *fields, const json *types, int64_t window) {
    if (!json_is(types, JSON_LIST) || json_count(types) != (size_t)c->layers)
        return tarn_fail("%s: \"layer_types\" must be a list with an entry for each of the %lld layers", fields->file,
                         (long long)c->layers);
    for (int64_t i = 0; i < c->layers; i++) {
        const char *type = json_text(json_at(types, (size_t)i), NULL);
        bool sliding = type && !strcmp(type, "sliding_attention");
        if (!sliding && (!type || strcmp(type, "full_attention")))
            return tarn_fail("%s: \"layer_types\"[%lld] must be \"full_attention\" or \"sliding_attention\"",
                             fields->file, (long long)i);
        c->windows[i] = sliding ? window : 0;
    }
    return true;
}

static bool has_usual_window(window_rule rule) {
    return rule == WINDOW_EVERY_LAYER || rule == WINDOW_LATER_LAYERS;
}

static bool sees_window(window_rule rule, int64_t layer, int64_t from) {
    return rule == WINDOW_EVERY_LAYER || rule == WINDOW_IF_GIVEN || (rule == WINDOW_LATER_LAYERS && layer >= from);
}

static bool read_windows(model_config *c, const field_reader *fields) {
    static const int64_t none = 0, usual = 4096, usual_layers = 28;
    window_rule rule = c->family->window;
    const json *types = field_find(fields, "layer_types");
    bool use = true, absent = !json_get(fields->object, "sliding_window"); /* null means: no window */
    int64_t window, from;
    if (!field_integer(fields, "sliding_window", 1, most_ids, absent && has_usual_window(rule) ? &usual : &none,
                       &window) ||
        !field_integer(fields, "max_window_layers", 0, INT32_MAX, &usual_layers, &from) ||
        !field_boolean(fields, "use_sliding_window", false, &use))
        return false;
    if (rule == WINDOW_LATER_LAYERS && !use) window = 0;
    c->windows = NEW_ARRAY(int64_t, c->layers);
    if (!c->windows) return false;
    if (types && (rule == WINDOW_BY_TYPE || rule == WINDOW_LATER_LAYERS))
        return read_layer_types(c, fields, types, window);
    for (int64_t i = 0; i < c->layers; i++) c->windows[i] = sees_window(rule, i, from) ? window : 0;
    return true;
}

/* ---- quantization */

static bool read_quantization(const field_reader *fields, const quantization *usual, quantization *out) {
    const json *mode = field_find(fields, "mode");
    const char *name = json_text(mode, NULL);
    int64_t group_size, bits, usual_group = usual->group_size, usual_bits = usual->bits;
    if (mode && (!name || strcmp(name, "affine")))
        return tarn_fail("%s: \"%smode\" %s%.32s is not supported; supported is \"affine\"", fields->file,
                         fields->prefix, name ? "" : "(", name ? name : "no string)");
    if (!field_integer(fields, "group_size", 1, 1 << 16, usual_group ? &usual_group : NULL, &group_size) ||
        !field_integer(fields, "bits", 1, 16, usual_bits ? &usual_bits : NULL, &bits))
        return false;
    if (!tarn_check_quantization("affine", group_size, bits)) {
        text t = {0};
        text_format(&t, "%s: \"%sbits\" and \"%sgroup_size\"", fields->file, fields->prefix, fields->prefix);
        error_name_function(text_string(&t));
        text_free(&t);
        return false;
    }
    *out = (quantization){(int)group_size, (int)bits};
    return true;
}

static bool read_quantizations(model_config *c, const field_reader *fields) {
    const json *ours = field_find(fields, "quantization"), *theirs = field_find(fields, "quantization_config");
    if (!ours && !theirs) return true;
    const char *method = json_text(json_get(theirs, "quant_method"), NULL);
    if (!ours && (method || !json_get(theirs, "group_size")))
        return tarn_fail("%s: \"quantization_config.quant_method\" \"%.32s\" is not supported; supported is "
                         "\"quantization\" as mlx-lm "
                         "writes it",
                         fields->file, method ? method : "");
    const json *value = ours ? ours : theirs;
    if (!json_is(value, JSON_DICTIONARY)) return tarn_fail("%s: \"quantization\" must be an object", fields->file);
    return read_quantization(&(field_reader){fields->file, value, "quantization."}, &(quantization){0, 0},
                             &c->quantized);
}

bool config_quantization(const model_config *config, const char *path, quantization *out, bool *given) {
    const json *all = json_get(config->document, "quantization");
    const json *own = json_get(all ? all : json_get(config->document, "quantization_config"), path);
    *out = config->quantized;
    *given = config->quantized.bits && own && !json_is(own, JSON_NOTHING);
    if (!*given || json_is(own, JSON_YES)) return true;
    if (json_is(own, JSON_NO)) return *out = (quantization){0, 0}, true;
    if (!json_is(own, JSON_DICTIONARY))
        return tarn_fail("%s: \"quantization.%s\" must be an object, true or false", config->path, path);
    text prefix = {0};
    bool ok = text_format(&prefix, "quantization.%s.", path) &&
              read_quantization(&(field_reader){config->path, own, text_string(&prefix)}, &config->quantized, out);
    text_free(&prefix);
    return ok;
}

/* ---- end tokens */

static bool read_end_tokens(model_config *c, const field_reader *fields) {
    const json *value = field_find(fields, "eos_token_id");
    if (!value) return true;
    size_t count = json_is(value, JSON_LIST) ? json_count(value) : 1;
    if (count > 1024) return tarn_fail("%s: \"eos_token_id\" has more than 1024 entries", fields->file);
    memory_free(c->end_tokens);
    c->end_tokens = NEW_ARRAY(int32_t, count);
    if (!c->end_tokens) return false;
    c->end_token_count = 0;
    for (size_t i = 0; i < count; i++) {
        const json *item = json_is(value, JSON_LIST) ? json_at(value, i) : value;
        int64_t id = json_whole(item, -1);
        if (!json_is(item, JSON_WHOLE) || id < -1 || id > most_ids)
            return tarn_fail("%s: \"eos_token_id\" must be a token id, a list of token ids, or -1 for none",
                             fields->file);
        if (id >= 0) c->end_tokens[c->end_token_count++] = (int32_t)id;
    }
    return true;
}

static bool read_generation_config(model_config *c, const char *folder) {
    char *path = path_join(folder, "generation_config.json");
    json *document = NULL;
    bool ok = path != NULL;
    if (ok && file_exists(path)) {
        document = json_read_file(path, MOST_FILE);
        ok = document && (json_is(document, JSON_DICTIONARY) || tarn_fail("%s: not a JSON object", path)) &&
             read_end_tokens(c, &(field_reader){path, document, ""});
    }
    if (document) json_free(document);
    memory_free(path);
    return ok;
}

/* ---- the whole */

static bool read_all(model_config *c) {
    field_reader fields = {c->path, c->document, ""};
    if (!json_is(c->document, JSON_DICTIONARY)) return tarn_fail("%s: not a JSON object", c->path);
    return read_family(c, &fields) && read_sizes(c, &fields) && read_switches(c, &fields) && read_windows(c, &fields) &&
           read_quantizations(c, &fields) && config_read_rope(c) && read_end_tokens(c, &fields);
}

void config_free(model_config *config) {
    if (config->document) json_free(config->document);
    memory_free(config->path);
    memory_free(config->windows);
    memory_free(config->rope.periods);
    memory_free(config->end_tokens);
    *config = (model_config){0};
}

static bool finish(model_config *config, bool ok) {
    if (!ok) config_free(config);
    return ok;
}

bool config_load(model_config *config, const char *folder) {
    *config = (model_config){.path = path_join(folder, "config.json")};
    bool there = config->path && (file_exists(config->path) || model_folder_lacks(folder, "config.json"));
    if (there) config->document = json_read_file(config->path, MOST_FILE);
    return finish(config, config->document && read_all(config) && read_generation_config(config, folder));
}

bool config_parse(model_config *config, const char *bytes, size_t length, const char *name) {
    *config = (model_config){.path = memory_copy(name, strlen(name) + 1)};
    config->document = config->path ? json_parse(bytes, length, name) : NULL;
    return finish(config, config->document && read_all(config));
}
