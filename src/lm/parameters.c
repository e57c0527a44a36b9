/* Binding tensors to the structs of blocks.h by the table layer.def. Each tensor is checked: there, of the right shape
   and dtype, and quantized as config.json says. */
#include "lm/parameters.h"

#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

typedef enum { NOTHING, HIDDEN, MLP, GATE_UP, VOCAB, HEAD_DIM, QUERY, KEY, QUERY_KEY, QUERY_KEY_VALUE } size_name;

static int64_t size_of(const model_config *c, size_name size) {
    int64_t query = c->heads * c->head_dim, key = c->kv_heads * c->head_dim;
    const int64_t sizes[] = {[NOTHING] = 0,
                             [HIDDEN] = c->hidden,
                             [MLP] = c->mlp,
                             [GATE_UP] = 2 * c->mlp,
                             [VOCAB] = c->vocab,
                             [HEAD_DIM] = c->head_dim,
                             [QUERY] = query,
                             [KEY] = key,
                             [QUERY_KEY] = query + key,
                             [QUERY_KEY_VALUE] = query + 2 * key};
    return sizes[size];
}

/* A row of layer.def. */
typedef struct {
    size_t offset;
    const char *name;
    bool matrix;
    size_name rows, columns;
    size_name before, all; /* the tensor in the file has `all` rows, of which these stand behind `before` others */
    model_part part;       /* that a vector, or the bias of a matrix, belongs to */
} field;

struct field_list {
    const field *items;
    size_t count;
};

#define LINEAR(member, name, rows, columns, part)                                                                      \
    {offsetof(OWNER, member), name, true, rows, columns, NOTHING, rows, part},
#define ROWS(member, name, before, rows, all, columns, part)                                                           \
    {offsetof(OWNER, member), name, true, rows, columns, before, all, part},
#define NORM(member, name, size, part) {offsetof(OWNER, member), name, false, size, size, NOTHING, size, part},

#define OWNER layer_weights
static const field layer_fields[] = {
#define LAYER_WEIGHTS
#include "lm/layer.def"
#undef LAYER_WEIGHTS
};
static const field joined_fields[] = {
#define LAYER_WEIGHTS_JOINED
#include "lm/layer.def"
#undef LAYER_WEIGHTS_JOINED
};
#undef OWNER
#define OWNER model_weights
static const field model_fields[] = {
#define MODEL_WEIGHTS
#include "lm/layer.def"
#undef MODEL_WEIGHTS
};
#undef OWNER
#undef LINEAR
#undef ROWS
#undef NORM

#define LIST(fields)                                                                                                   \
    { fields, sizeof fields / sizeof *fields }
const field_list fields_layer = LIST(layer_fields), fields_layer_joined = LIST(joined_fields),
                 fields_model = LIST(model_fields);

/* ---- loading */

typedef struct {
    const model_config *config;
    const tensor_source *source;
    tarn_dtype dtype;
} loader;

static bool wrong_shape(const loader *l, const char *name, tarn_array *found, tarn_ints expected) {
    text has = {0}, wants = {0};
    tarn_ints shape = tarn_shape_of(found);
    text_add_sizes(&has, shape.values, shape.count);
    text_add_sizes(&wants, expected.values, expected.count);
    tarn_fail("%s: tensor \"%s\" is %s%s, but %s asks for %s", l->source->where(l->source->context, name), name,
              tarn_dtype_name(tarn_dtype_of(found)), text_string(&has), l->config->path, text_string(&wants));
    text_free(&has);
    text_free(&wants);
    return false;
}

static bool is_float(tarn_dtype dtype) {
    return dtype == TARN_FLOAT16 || dtype == TARN_BFLOAT16 || dtype == TARN_FLOAT32;
}

static bool check_tensor(const loader *l, const char *name, tarn_array *a, bool packed, tarn_ints expected) {
    if (!a) return false;
    tarn_ints shape = tarn_shape_of(a);
    bool same = shape.count == expected.count;
    for (int64_t i = 0; same && i < shape.count; i++) same = shape.values[i] == expected.values[i];
    if (!same) return wrong_shape(l, name, a, expected);
    tarn_dtype dtype = tarn_dtype_of(a);
    if (packed ? dtype == TARN_UINT32 : is_float(dtype)) return true;
    return tarn_fail("%s: tensor \"%s\" is %s; expected is %s", l->source->where(l->source->context, name), name,
                     tarn_dtype_name(dtype), packed ? "uint32 (packed)" : "float16, bfloat16 or float32");
}

/* The rows of a tensor that belong to the field: a view. */
static tarn_array *own_rows(const loader *l, const field *f, tarn_array *a) {
    int64_t before = size_of(l->config, f->before), rows = size_of(l->config, f->rows);
    return f->all == f->rows ? a : tarn_slice_axis(a, 0, before, before + rows);
}

/* Keeps the field's rows of base.part, a tensor of `shape`, in *slot. */
static bool load_tensor(const loader *l, const field *f, const char *base, const char *part, bool packed,
                        tarn_ints shape, tarn_array **slot) {
    TARN_SCOPE;
    text name = {0};
    bool ok = text_format(&name, "%s.%s", base, part);
    const char *full = text_string(&name);
    if (ok && !l->source->has(l->source->context, full))
        ok = tarn_fail("%s: tensor \"%s\" is missing", l->source->where(l->source->context, full), full);
    tarn_dtype wanted = packed ? TARN_UINT32 : l->dtype == TARN_BOOL ? TARN_BFLOAT16 : l->dtype;
    tarn_array *a = ok ? l->source->get(l->source->context, full, wanted, shape) : NULL;
    ok = ok && check_tensor(l, full, a, packed, shape);
    text_free(&name);
    if (!ok || !(a = own_rows(l, f, a))) return false;
    if (!packed && l->dtype != TARN_BOOL && tarn_dtype_of(a) != l->dtype) {
        a = tarn_astype(a, l->dtype);
        if (!tarn_eval(a)) return false;
    }
    *slot = tarn_keep(a);
    return true;
}

static bool load_quantized(const loader *l, const field *f, const char *base, int64_t rows, int64_t columns,
                           linear *m) {
    quantization q = m->quantized;
    if (columns % q.group_size)
        return tarn_fail("%s: tensor \"%s.weight\" cannot be quantized in groups of %d: it has %lld columns",
                         l->config->path, base, q.group_size, (long long)columns);
    int64_t groups = columns / q.group_size;
    return load_tensor(l, f, base, "weight", true, TARN_SHAPE(rows, columns * q.bits / 32), &m->weight) &&
           load_tensor(l, f, base, "scales", false, TARN_SHAPE(rows, groups), &m->scales) &&
           load_tensor(l, f, base, "biases", false, TARN_SHAPE(rows, groups), &m->biases);
}

static bool has_part(const loader *l, const char *base, const char *part) {
    text name = {0};
    bool has = text_format(&name, "%s.%s", base, part) && l->source->has(l->source->context, text_string(&name));
    text_free(&name);
    return has;
}

/* As in mlx-lm an entry of config.json decides; a matrix without one is quantized if it has scales. */
static bool load_linear(const loader *l, const field *f, const char *base, linear *m) {
    bool given, scales = has_part(l, base, "scales");
    if (!config_quantization(l->config, base, &m->quantized, &given)) return false;
    if (scales && !l->config->quantized.bits)
        return tarn_fail("%s: \"quantization\" is missing, but the tensor \"%s.scales\" is there", l->config->path,
                         base);
    if (!given && !scales) m->quantized = (quantization){0, 0};
    int64_t rows = size_of(l->config, f->all), columns = size_of(l->config, f->columns);
    if (config_has(l->config, f->part) && !load_tensor(l, f, base, "bias", false, TARN_SHAPE(rows), &m->bias))
        return false;
    if (m->quantized.bits) return load_quantized(l, f, base, rows, columns, m);
    return load_tensor(l, f, base, "weight", false, TARN_SHAPE(rows, columns), &m->weight);
}

static bool load_field(const loader *l, const field *f, const char *base, void *owner) {
    void *member = (char *)owner + f->offset;
    if (f->matrix) return load_linear(l, f, base, member);
    if (!config_has(l->config, f->part)) return true;
    return load_tensor(l, f, base, "weight", false, TARN_SHAPE(size_of(l->config, f->rows)), member);
}

static bool load_layer(const loader *l, int64_t index, layer_weights *layer) {
    const field_list *fields = l->config->family->rules->layer;
    for (size_t i = 0; i < fields->count; i++) {
        const field *f = &fields->items[i];
        text base = {0};
        bool ok = text_format(&base, "model.layers.%lld.%s", (long long)index, f->name) &&
                  load_field(l, f, text_string(&base), layer);
        text_free(&base);
        if (!ok) return false;
    }
    return true;
}

/* A head that is there is used, whatever the config says: where it is the embedding once more this changes nothing, and
   where it differs it is what transformers uses. */
static void decide_tie(const loader *l, model_config *config) {
    config->tied = (config->tied || !config->has_tie) && !has_part(l, "lm_head", "weight");
}

static tarn_dtype linear_dtype(const linear *m) {
    return tarn_dtype_of(m->scales ? m->scales : m->weight);
}

static bool load_model_fields(loader *l, const model_config *config, model_weights *weights) {
    const field_list *fields = config->family->rules->model;
    for (size_t i = 0; i < fields->count; i++) {
        const field *f = &fields->items[i];
        bool head = f->offset == offsetof(model_weights, head);
        if (!(head && config->tied) && !load_field(l, f, f->name, weights)) return false;
        if (l->dtype == TARN_BOOL) l->dtype = linear_dtype(&weights->embedding); /* the first field */
    }
    return true;
}

static bool load_all(loader *l, model_config *config, model_weights *weights) {
    weights->layers = NEW_ARRAY(layer_weights, config->layers);
    if (!weights->layers) return false;
    decide_tie(l, config);
    if (!load_model_fields(l, config, weights)) return false;
    for (int64_t i = 0; i < config->layers; i++)
        if (!load_layer(l, i, &weights->layers[i])) return false;
    if (!config->rope.periods) return true;
    TARN_SCOPE;
    weights->periods = tarn_keep(tarn_from_data(config->rope.periods, TARN_SHAPE(config->rope.dims / 2), TARN_FLOAT32));
    return weights->periods != NULL;
}

bool parameters_load(model_weights *weights, model_config *config, const tensor_source *source, tarn_dtype *dtype) {
    loader l = {config, source, *dtype};
    *weights = (model_weights){0};
    bool ok = load_all(&l, config, weights);
    *dtype = l.dtype;
    if (!ok) parameters_free(weights, config);
    return ok;
}

/* ---- every field of a loaded model */

typedef void (*field_visit)(void *context, const field *f, void *member);

static void visit_fields(const field_list *fields, void *owner, field_visit visit, void *context) {
    for (size_t i = 0; i < fields->count; i++)
        visit(context, &fields->items[i], (char *)owner + fields->items[i].offset);
}

static void visit_all(const model_weights *weights, const model_config *config, field_visit visit, void *context) {
    if (!config->family) return; /* nothing was loaded */
    visit_fields(config->family->rules->model, (void *)(uintptr_t)weights, visit, context);
    for (int64_t i = 0; weights->layers && i < config->layers; i++)
        visit_fields(config->family->rules->layer, &weights->layers[i], visit, context);
}

static void free_linear(const linear *m) {
    tarn_drop(m->weight);
    tarn_drop(m->scales);
    tarn_drop(m->biases);
    tarn_drop(m->bias);
}

static void free_field(void *context, const field *f, void *member) {
    (void)context;
    if (f->matrix)
        free_linear(member);
    else
        tarn_drop(*(tarn_array **)member);
}

void parameters_free(model_weights *weights, const model_config *config) {
    visit_all(weights, config, free_field, NULL);
    for (int64_t i = 0; weights->layers && i < config->layers; i++) {
        free_linear(&weights->layers[i].attention.qkv);
        free_linear(&weights->layers[i].mlp.gate_up);
    }
    tarn_drop(weights->periods);
    memory_free(weights->layers);
    *weights = (model_weights){0};
}

/* What is long: a stream takes 64 submissions at a time, and who gives more waits. */
static void prefetch_field(void *context, const field *f, void *member) {
    (void)context;
    const linear *m = member;
    if (f->matrix && m->weight && !tarn_prefetch(m->weight, NULL)) tarn_clear_error();
}

void parameters_prefetch(const model_weights *weights, const model_config *config) {
    visit_all(weights, config, prefetch_field, NULL);
}

typedef struct {
    const model_config *config;
    const model_weights *weights;
    parameter_count *count;
} counter;

static int64_t array_bytes(const tarn_array *a) {
    return tarn_size(a) * (a ? tarn_dtype_bytes(tarn_dtype_of(a)) : 0);
}

static void count_linear(const counter *c, const field *f, const linear *m) {
    parameter_count *count = c->count;
    if (!m->weight) return;
    int64_t elements = size_of(c->config, f->rows) * size_of(c->config, f->columns);
    int64_t bytes = array_bytes(m->weight) + array_bytes(m->scales) + array_bytes(m->biases) + array_bytes(m->bias);
    bool looked_up = m == &c->weights->embedding && c->weights->head.weight;
    count->parameters += elements + tarn_size(m->bias);
    count->bytes += bytes;
    count->step_bytes += looked_up ? 0 : bytes;
    if (m != &c->weights->embedding && m != &c->weights->head) count->matrix_parameters += elements;
    if (m->quantized.bits && !count->bits) count->bits = m->quantized.bits, count->group_size = m->quantized.group_size;
}

static void count_field(void *context, const field *f, void *member) {
    const counter *c = context;
    if (f->matrix) {
        count_linear(c, f, member);
        return;
    }
    const tarn_array *a = *(tarn_array **)member;
    c->count->parameters += tarn_size(a);
    c->count->bytes += array_bytes(a);
    c->count->step_bytes += array_bytes(a);
}

void parameters_count(const model_weights *weights, const model_config *config, parameter_count *count) {
    *count = (parameter_count){.bits = config->quantized.bits, .group_size = config->quantized.group_size};
    visit_all(weights, config, count_field, &(counter){config, weights, count});
}
