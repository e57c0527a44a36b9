/* Rotary embedding of config.json: both ways of writing it (rope_theta beside rope_scaling, and rope_parameters), and
   the periods of the scaling rules, computed as Hugging Face transformers does. "dynamic" changes nothing below
   max_position_embeddings, which is as far as a session goes. */
#include "lm/config.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "tarn/error.h"

static const double pi = 3.14159265358979323846;

typedef struct {
    model_config *config;
    field_reader fields;    /* the object with the scaling rule's fields; its object may be NULL */
    double theta, original; /* positions the model was trained with */
} rope_reader;

static bool make_periods(rope_reader *r) {
    int64_t dims = r->config->rope.dims, half = dims / 2;
    float *periods = r->config->rope.periods = NEW_ARRAY(float, half);
    if (!periods) return false;
    for (int64_t i = 0; i < half; i++) periods[i] = (float)pow(r->theta, 2.0 * (double)i / (double)dims);
    return true;
}

static const double least_factor = 1e-6, most_factor = 1e6;

static bool read_linear(rope_reader *r) {
    double factor;
    if (!field_number(&r->fields, "factor", least_factor, most_factor, NULL, &factor)) return false;
    r->config->rope.scale = 1 / factor;
    return true;
}

static bool read_default(rope_reader *r) {
    (void)r;
    return true;
}

/* Long waves are stretched by factor, short ones left, those between mixed smoothly. */
static bool read_llama3(rope_reader *r) {
    static const double usual_low = 1, usual_high = 4;
    double factor, low, high;
    if (!field_number(&r->fields, "factor", least_factor, most_factor, NULL, &factor) ||
        !field_number(&r->fields, "low_freq_factor", least_factor, most_factor, &usual_low, &low) ||
        !field_number(&r->fields, "high_freq_factor", least_factor, most_factor, &usual_high, &high) ||
        !make_periods(r))
        return false;
    if (high <= low)
        return tarn_fail("%s: \"%shigh_freq_factor\" must be above \"low_freq_factor\"", r->fields.file,
                         r->fields.prefix);
    float *periods = r->config->rope.periods;
    for (int64_t i = 0; i < r->config->rope.dims / 2; i++) {
        double wave = 2 * pi * periods[i], frequency = 1 / (double)periods[i];
        double smooth = (r->original / wave - low) / (high - low);
        if (wave > r->original / low)
            frequency /= factor;
        else if (wave >= r->original / high)
            frequency = (1 - smooth) * frequency / factor + smooth * frequency;
        periods[i] = (float)(1 / frequency);
    }
    return true;
}

static double yarn_scale(double factor, double mscale) {
    return factor <= 1 ? 1 : 0.1 * mscale * log(factor) + 1;
}

static bool read_yarn_attention(rope_reader *r, double factor) {
    static const double absent = 0;
    double mscale, all_dim, given;
    if (!field_number(&r->fields, "mscale", 0, most_factor, &absent, &mscale) ||
        !field_number(&r->fields, "mscale_all_dim", 0, most_factor, &absent, &all_dim) ||
        !field_number(&r->fields, "attention_factor", least_factor, most_factor, &absent, &given))
        return false;
    double own =
        mscale > 0 && all_dim > 0 ? yarn_scale(factor, mscale) / yarn_scale(factor, all_dim) : yarn_scale(factor, 1);
    r->config->rope.attention_factor = given > 0 ? given : own;
    return true;
}

/* The dimension that turns this many times within the original length. */
static double yarn_dimension(const rope_reader *r, double turns) {
    return (double)r->config->rope.dims * log(r->original / (turns * 2 * pi)) / (2 * log(r->theta));
}

static bool read_yarn(rope_reader *r) {
    static const double usual_fast = 32, usual_slow = 1;
    double usual_factor = (double)r->config->positions / r->original, factor, fast, slow;
    bool truncate;
    if (!field_number(&r->fields, "factor", least_factor, most_factor, &usual_factor, &factor) ||
        !field_number(&r->fields, "beta_fast", 0, most_factor, &usual_fast, &fast) ||
        !field_number(&r->fields, "beta_slow", 0, most_factor, &usual_slow, &slow) ||
        !field_boolean(&r->fields, "truncate", true, &truncate) || !read_yarn_attention(r, factor) || !make_periods(r))
        return false;
    double low = yarn_dimension(r, fast > 0 ? fast : usual_fast),
           high = yarn_dimension(r, slow > 0 ? slow : usual_slow);
    if (truncate) low = floor(low), high = ceil(high);
    low = fmax(low, 0), high = fmin(high, (double)r->config->rope.dims - 1);
    if (low == high) high += 0.001;
    float *periods = r->config->rope.periods;
    for (int64_t i = 0; i < r->config->rope.dims / 2; i++) {
        double ramp = fmin(fmax(((double)i - low) / (high - low), 0), 1);
        periods[i] = (float)(1 / (ramp / (factor * (double)periods[i]) + (1 - ramp) / (double)periods[i]));
    }
    return true;
}

static const struct {
    const char *name;
    bool (*read)(rope_reader *r);
} rules[] = {{"default", read_default},
             {"linear", read_linear},
             {"dynamic", read_default},
             {"llama3", read_llama3},
             {"yarn", read_yarn}};

static bool read_rule(rope_reader *r) {
    const json *type = field_find(&r->fields, "rope_type");
    if (!type) type = field_find(&r->fields, "type");
    const char *name = type ? json_text(type, NULL) : "default";
    if (!name) return tarn_fail("%s: \"%srope_type\" must be a string", r->fields.file, r->fields.prefix);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!strcmp(name, rules[i].name)) return rules[i].read(r);
    return tarn_fail(
        "%s: \"%srope_type\" \"%.32s\" is not supported; supported are default, linear, dynamic, llama3, yarn",
        r->fields.file, r->fields.prefix, name);
}

static bool same_text(const json *a, const json *b) {
    const char *x = json_text(a, NULL), *y = json_text(b, NULL);
    return x && y ? !strcmp(x, y) : json_kind_of(a) == json_kind_of(b) && json_number(a, 0) == json_number(b, 0);
}

/* Whether every member of a is in b with the same value; the rules' fields are all scalars. */
static bool members_in(const json *a, const json *b) {
    void *cursor = NULL;
    const char *key;
    const json *value;
    while (json_each(a, &cursor, &key, NULL, &value))
        if (!same_text(value, json_get(b, key))) return false;
    return true;
}

/* rope_parameters may hold an object for each layer type; a model whose types differ is refused. */
static bool find_object(const field_reader *top, const json **object) {
    static const char *const types[] = {"full_attention", "sliding_attention"};
    const json *first = NULL;
    for (int i = 0; i < 2; i++) {
        const json *value = json_get(*object, types[i]);
        if (!json_is(value, JSON_DICTIONARY)) continue;
        if (first && !(members_in(first, value) && members_in(value, first)))
            return tarn_fail("%s: \"rope_parameters\" that differ between layer types are not supported", top->file);
        first = value;
    }
    if (first) *object = first;
    return true;
}

static bool read_theta(rope_reader *r, const field_reader *top) {
    static const double usual = 10000;
    double outer;
    if (!field_number(top, "rope_theta", 1, 1e15, &usual, &outer) ||
        !field_number(&r->fields, "rope_theta", 1, 1e15, &outer, &r->theta))
        return false;
    if (r->theta <= 1) return tarn_fail("%s: \"rope_theta\" must be above 1", top->file);
    r->config->rope.base = r->theta;
    return true;
}

static bool read_original(rope_reader *r, const field_reader *top) {
    double positions = (double)r->config->positions;
    return field_number(&r->fields, "original_max_position_embeddings", 1, 1e9, &positions, &r->original) &&
           field_number(top, "original_max_position_embeddings", 1, 1e9, &r->original, &r->original);
}

/* How many dimensions of a head turn: all, or for some families a part. It may stand in either object. */
static bool read_dims(rope_reader *r, const field_reader *top) {
    static const double whole = 1;
    model_config *c = r->config;
    double outer, part;
    if (!field_number(top, "partial_rotary_factor", 0, 1, &whole, &outer) ||
        !field_number(&r->fields, "partial_rotary_factor", 0, 1, &outer, &part))
        return false;
    if (part != 1 && c->family->rotary == ROTARY_WHOLE)
        return tarn_fail("%s: \"partial_rotary_factor\" other than 1 is not supported for model_type \"%s\"", top->file,
                         c->family->name);
    c->rope.dims = (int64_t)((double)c->head_dim * part);
    return (c->rope.dims >= 2 && c->rope.dims % 2 == 0) ||
           tarn_fail("%s: \"partial_rotary_factor\" %g of head_dim %lld is no even number above 0", top->file, part,
                     (long long)c->head_dim);
}

bool config_read_rope(model_config *config) {
    field_reader top = {config->path, config->document, ""};
    bool traditional;
    const json *object = field_find(&top, "rope_scaling");
    const char *prefix = object ? "rope_scaling." : "rope_parameters.";
    if (!object) object = field_find(&top, "rope_parameters");
    if (object && !json_is(object, JSON_DICTIONARY))
        return tarn_fail("%s: \"%.*s\" must be an object", top.file, (int)strlen(prefix) - 1, prefix);
    if (!find_object(&top, &object)) return false;
    config->rope.scale = config->rope.attention_factor = 1;
    rope_reader r = {config, {config->path, object, prefix}, 0, 0};
    if (!field_boolean(&top, "rope_traditional", false, &traditional)) return false;
    if (traditional) return tarn_fail("%s: \"rope_traditional\" is not supported for these models", top.file);
    return read_dims(&r, &top) && read_theta(&r, &top) && read_original(&r, &top) && read_rule(&r);
}
