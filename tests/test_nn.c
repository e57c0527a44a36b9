/* Layers, losses and optimizers against mlx (tests/nn_cases.h), trees in files, quantizing, trained steps, and what
   goes wrong. */
#include <unistd.h>

#include "base/memory.h"
#include "golden_values.h"
#include "temporary_folder.h"

/* ---- inputs, as tools/nn_vectors.py makes them */

static int64_t elements(tarn_ints shape) {
    int64_t n = 1;
    for (int64_t k = 0; k < shape.count; k++) n *= shape.values[k];
    return n;
}

static tarn_array *values(int64_t seed, tarn_ints shape) {
    int64_t n = elements(shape);
    float *x = malloc((size_t)n * sizeof *x);
    for (int64_t k = 0; k < n && x; k++) x[k] = (float)((k * 37 + seed * 11) % 23 - 11) / 8;
    tarn_array *a = tarn_from_data(x, shape, TARN_FLOAT32);
    free(x);
    return a;
}

static tarn_array *indices(int64_t below, tarn_ints shape) {
    int64_t n = elements(shape);
    int32_t *x = malloc((size_t)n * sizeof *x);
    for (int64_t k = 0; k < n && x; k++) x[k] = (int32_t)(k * 7 % below);
    tarn_array *a = tarn_from_data(x, shape, TARN_INT32);
    free(x);
    return a;
}

#define v(seed, ...)  values(seed, TARN_SHAPE(__VA_ARGS__))
#define i(below, ...) indices(below, TARN_SHAPE(__VA_ARGS__))

/* ---- what the cases call */

static tarn_array *conv(tarn_array *weight, tarn_array *bias, tarn_array *x, tarn_ints kernel, bool transposed,
                        int64_t stride, int64_t padding, int64_t groups) {
    tarn_conv m;
    tarn_array *key = tarn_random_key(0);
    bool ok = tarn_conv_init(&m, tarn_dim(x, -1), tarn_dim(weight, 0), kernel, &key, .stride = TARN_INTS(stride),
                             .padding = TARN_INTS(padding), .groups = groups, .transposed = transposed) &&
              tarn_assign(&m.weight, weight) && tarn_assign(&m.bias, bias);
    tarn_array *y = ok ? tarn_conv_forward(&m, x) : NULL;
    tarn_tree_free(TARN_TREE(tarn_conv, &m));
    return y;
}

/* The forward pass of the first batch; after two: the running mean, the running variance, and an evaluation. */
static tarn_array *batch_norm(int what) {
    tarn_batch_norm m;
    if (!tarn_batch_norm_init(&m, 5)) return NULL;
    tarn_assign(&m.weight, v(2, 5));
    tarn_assign(&m.bias, v(3, 5));
    tarn_array *y = tarn_batch_norm_forward(&m, v(1, 4, 5), true);
    if (what) {
        tarn_batch_norm_forward(&m, v(2, 4, 5), true);
        y = what == 1   ? tarn_contiguous(m.running_mean)
            : what == 2 ? tarn_contiguous(m.running_var)
                        : tarn_batch_norm_forward(&m, v(1, 4, 5), false);
        tarn_eval(y);
    }
    tarn_tree_free(TARN_TREE(tarn_batch_norm, &m));
    return y;
}

typedef struct {
    tarn_array *w;
} one;
TARN_DEFINE_FIELDS(one, TARN_FIELD_ARRAY(one, w));

static tarn_array *trained(tarn_optimizer *optimizer) {
    one tree = {tarn_keep(v(1, 4, 3))};
    tarn_parameters *p = tarn_parameters_new(TARN_TREE(one, &tree));
    for (int k = 0; k < 5; k++) CHECK(tarn_optimizer_update(optimizer, p, TARN_ARRAYS(v(k + 2, 4, 3)), 1));
    tarn_array *w = tarn_contiguous(tree.w);
    tarn_eval(w);
    tarn_parameters_free(p);
    tarn_optimizer_free(optimizer);
    tarn_tree_free(TARN_TREE(one, &tree));
    return w;
}

static tarn_array *lstm(bool cells) {
    tarn_lstm m = {v(2, 12, 4), v(3, 12, 3), v(4, 12)};
    tarn_array *c, *h = tarn_lstm_forward(&m, v(1, 2, 3, 4), v(5, 2, 3), v(6, 2, 3), &c);
    return cells ? c : h;
}

/* Arrays of a stack, one after the other: v(1, ...), v(2, ...). */
static bool fill_leaf(void *context, const tarn_leaf *leaf) {
    return tarn_assign(leaf->array, values(++*(int64_t *)context, tarn_shape_of(*leaf->array)));
}

static tarn_array *filled(tarn_tree tree, tarn_array *(*forward)(tarn_transformer_stack *)) {
    int64_t seed = 0;
    tarn_array *y = tarn_tree_visit(tree, fill_leaf, &seed) ? forward(tree.object) : NULL;
    tarn_eval(y);
    tarn_tree_free(tree);
    return y;
}

static tarn_array *encode(tarn_transformer_stack *s) {
    return tarn_encoder_forward(s, v(1, 2, 3, 4), s->layers->norm_last ? NULL : tarn_causal_mask(3, TARN_FLOAT32),
                                NULL);
}
static tarn_array *decode(tarn_transformer_stack *s) {
    return tarn_decoder_forward(s, v(1, 2, 3, 4), v(2, 2, 5, 4), NULL, NULL, NULL);
}

static tarn_array *encoder(bool norm_last) {
    tarn_transformer_stack s;
    tarn_array *key = tarn_random_key(0);
    bool ok = norm_last
                  ? tarn_encoder_init(&s, 2, 4, 2, &key, .mlp_dims = 6, .activation = tarn_gelu, .norm_last = true)
                  : tarn_encoder_init(&s, 2, 4, 2, &key);
    return ok ? filled(TARN_TREE(tarn_encoder, &s), encode) : NULL;
}
static tarn_array *decoder(void) {
    tarn_transformer_stack s;
    tarn_array *key = tarn_random_key(0);
    return tarn_decoder_init(&s, 2, 4, 2, &key) ? filled(TARN_TREE(tarn_decoder, &s), decode) : NULL;
}

static tarn_array *rising(void *context, tarn_array *step) {
    (void)context;
    return tarn_linear_schedule(step, 0, 0.5, 2);
}
static tarn_array *falling(void *context, tarn_array *step) {
    (void)context;
    return tarn_cosine_decay(step, 0.5, 3, 0.125);
}
static tarn_array *joined(void *context, tarn_array *step) {
    (void)context;
    return tarn_join_schedules(step, (tarn_schedule[]){{rising, NULL}, {falling, NULL}}, (int64_t[]){2}, 2);
}

static tarn_array *clipped(int what) {
    tarn_array *out[2], *norm;
    if (!tarn_clip_grad_norm(TARN_ARRAYS(v(1, 4, 5), v(2, 3)), 2, 0.5, out, &norm)) return NULL;
    return what ? norm : out[0];
}

/* Powers and roots of other libraries: 64 units of the last place. */
static void check_values(void) {
#define CASE(name, mlx, ...)                                                                                           \
    {                                                                                                                  \
        TARN_SCOPE;                                                                                                    \
        golden_check("nn", #name, (__VA_ARGS__), 64, 1);                                                               \
    }
#include "nn_cases.h"
#undef CASE
}

/* ---- trees */

typedef struct {
    tarn_linear input;
    tarn_batch_norm norm;
    tarn_linear *layers;
    int count;
    tarn_embedding table;
} network;
TARN_DEFINE_FIELDS(network, TARN_FIELD_LAYER(network, input, tarn_linear),
                   TARN_FIELD_LAYER(network, norm, tarn_batch_norm),
                   TARN_FIELD_LAYERS(network, layers, count, tarn_linear),
                   TARN_FIELD_LAYER(network, table, tarn_embedding));

static bool network_init(network *n, uint64_t seed) {
    tarn_array *key = tarn_random_key(seed);
    *n = (network){.layers = calloc(2, sizeof *n->layers), .count = 2};
    return tarn_linear_init(&n->input, 8, 64, &key) && tarn_batch_norm_init(&n->norm, 64) &&
           tarn_linear_init(&n->layers[0], 64, 64, &key) &&
           tarn_linear_init(&n->layers[1], 64, 3, &key, .no_bias = true) &&
           tarn_embedding_init(&n->table, 16, 64, &key);
}

static tarn_array *network_forward(network *n, tarn_array *x, bool training) {
    x = tarn_relu(tarn_batch_norm_forward(&n->norm, tarn_linear_forward(&n->input, x), training));
    for (int k = 0; k < n->count; k++) x = tarn_linear_forward(&n->layers[k], x);
    return x;
}

static bool collect_path(void *context, const tarn_leaf *leaf) {
    strcat(context, leaf->path);
    strcat(context, leaf->state ? "* " : " ");
    return true;
}

static void check_paths(network *n) {
    char all[512] = "";
    CHECK(tarn_tree_visit(TARN_TREE(network, n), collect_path, all));
    CHECK(!strcmp(all, "input.weight input.bias norm.weight norm.bias norm.running_mean* norm.running_var* "
                       "layers.0.weight layers.0.bias layers.1.weight table.weight "));
}

static bool same(tarn_array *a, tarn_array *b) {
    return tarn_item(tarn_array_equal(a, b)) == 1;
}

static void check_files(network *n) {
    TARN_SCOPE;
    const char *path = in_folder("tree.safetensors");
    network other = {0};
    tarn_tree tree = TARN_TREE(network, n), second = TARN_TREE(network, &other);
    CHECK(network_init(&other, 2) && !same(n->layers[1].weight, other.layers[1].weight));
    CHECK(tarn_tree_save(tree, path) && tarn_tree_load(second, path));
    CHECK(same(n->layers[1].weight, other.layers[1].weight) && same(n->norm.running_var, other.norm.running_var));
    other.count = 1;
    CHECK_ERROR(tarn_tree_load(second, path), "there is no parameter \"layers.1.weight\"");
    CHECK(tarn_tree_load(second, path, .lax = true));
    CHECK(tarn_tree_save(second, path));
    CHECK_ERROR(tarn_tree_load(tree, path), "\"layers.1.weight\" is missing");
    CHECK(tarn_tree_load(tree, path, .lax = true));
    tarn_array *before = n->input.weight;
    tarn_assign(&other.layers[0].bias, tarn_zeros(TARN_SHAPE(65), TARN_FLOAT32));
    CHECK(tarn_tree_save(second, path));
    CHECK_ERROR(tarn_tree_load(tree, path, .lax = true), "\"layers.0.bias\" is [65]; expected is [64]");
    CHECK(n->input.weight == before);
    other.count = 2;
    tarn_tree_free(second);
}

static bool six_bits_for_the_table(void *context, const char *path, const char **mode, int64_t *group_size,
                                   int64_t *bits) {
    (void)context, (void)mode, (void)group_size;
    if (!strcmp(path, "input")) return false;
    *bits = strcmp(path, "table") ? 8 : 6;
    return true;
}

static void check_quantized(network *n) {
    TARN_SCOPE;
    tarn_array *x = v(1, 4, 8), *dense = network_forward(n, x, false),
               *row = tarn_embedding_forward(&n->table, i(16, 3));
    CHECK(tarn_eval(dense, row));
    CHECK(tarn_tree_quantize(TARN_TREE(network, n), .choose = six_bits_for_the_table));
    CHECK(!n->input.scales && n->layers[0].bits == 8 && n->table.bits == 6 && tarn_dim(n->table.weight, 1) == 12);
    CHECK(tarn_item(tarn_allclose(network_forward(n, x, false), dense, .atol = TARN_VALUE(0.02))) == 1);
    CHECK(tarn_item(tarn_allclose(tarn_embedding_forward(&n->table, i(16, 3)), row, .atol = TARN_VALUE(0.02))) == 1);
    CHECK_ERROR(tarn_tree_quantize(TARN_TREE(tarn_linear, &n->layers[0])), "packed already");
}

/* ---- training */

static bool loss(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    tarn_array *y = network_forward(context, inputs[0], true);
    return count == 2 && tarn_result(results, tarn_cross_entropy_loss(y, inputs[1]));
}

static bool no_biases(void *context, const char *path) {
    (void)context;
    return !strstr(path, "bias") && strncmp(path, "table", 5) != 0;
}

/* Steps one by one: gradients, clipped, update. */
static void step_plainly(network *n, tarn_optimizer *o, tarn_parameters *p, tarn_array *const *batch) {
    TARN_SCOPE;
    tarn_array *clipped_ones[16];
    tarn_results *g = tarn_parameters_grad(p, TARN_FUNCTION(loss, n), batch, 2);
    CHECK(tarn_clip_grad_norm(tarn_results_arrays(g), tarn_results_count(g), 0.5, clipped_ones, NULL) &&
          tarn_optimizer_update(o, p, clipped_ones, tarn_results_count(g)));
}

/* A compiled step is, to the bit, the plain one; state follows. */
static void check_trainer(void) {
    TARN_SCOPE;
    network a = {0}, b = {0};
    tarn_optimizer *o = tarn_adamw(0.003), *o2 = tarn_adamw(0.003);
    CHECK(network_init(&a, 1) && network_init(&b, 1));
    tarn_parameters *p = tarn_parameters_new(TARN_TREE(network, &a), .only = no_biases);
    tarn_trainer *t =
        tarn_trainer_new(TARN_FUNCTION(loss, &b), TARN_TREE(network, &b), o2, .only = no_biases, .max_norm = 0.5);
    double first = 0, last = 0;
    for (int k = 0; k < 20 && t; k++) {
        TARN_SCOPE;
        tarn_array *batch[] = {v(1, 16, 8), i(3, 16)};
        step_plainly(&a, o, p, batch);
        last = tarn_item(tarn_results_at(tarn_trainer_step(t, batch, 2), 0));
        if (k == 0) first = last;
    }
    CHECK(last < 0.8 * first);
    CHECK(same(a.layers[0].weight, b.layers[0].weight) && same(a.norm.running_mean, b.norm.running_mean));
    CHECK(same(a.input.bias, b.input.bias) && tarn_parameters_count(p) == 4);
    tarn_trainer_free(t);
    tarn_parameters_free(p);
    tarn_optimizer_free(o);
    tarn_optimizer_free(o2);
    tarn_tree_free(TARN_TREE(network, &a));
    tarn_tree_free(TARN_TREE(network, &b));
}

static double run(network *n, tarn_optimizer *o, const char *load, const char *save) {
    double value = 0;
    tarn_trainer *t = tarn_trainer_new(TARN_FUNCTION(loss, n), TARN_TREE(network, n), o);
    CHECK(!load || tarn_trainer_load(t, load));
    for (int k = 0; k < 3; k++) {
        TARN_SCOPE;
        tarn_array *batch[] = {v(k, 16, 8), i(3, 16)};
        value = tarn_item(tarn_results_at(tarn_trainer_step(t, batch, 2), 0));
    }
    CHECK(!save || tarn_trainer_save(t, save, .metadata = &(tarn_pair){"epoch", "3"}, .metadata_count = 1));
    tarn_trainer_free(t);
    return value;
}

/* Saved, and gone on with elsewhere, or by the first one: the same bits. */
static void check_resumed(void) {
    TARN_SCOPE;
    network a = {0}, b = {0};
    tarn_optimizer *o = tarn_adamw(0.003), *o2 = tarn_adamw(0.003);
    const char *path = in_folder("state.safetensors"), *optimizer = in_folder("optimizer.safetensors");
    CHECK(network_init(&a, 1) && network_init(&b, 2));
    run(&a, o, NULL, path);
    CHECK(run(&a, o, NULL, NULL) == run(&b, o2, path, NULL));
    CHECK(same(a.norm.running_var, b.norm.running_var) && same(a.table.weight, b.table.weight));
    CHECK(tarn_optimizer_save(o, optimizer) && tarn_optimizer_load(o2, optimizer));
    CHECK_ERROR(tarn_optimizer_load(o2, path), "\"step\" is missing");
    CHECK_ERROR(tarn_tree_load(TARN_TREE(network, &a), path), "\"input.weight\" is missing");
    tarn_optimizer_free(o);
    tarn_optimizer_free(o2);
    tarn_tree_free(TARN_TREE(network, &a));
    tarn_tree_free(TARN_TREE(network, &b));
}

typedef struct {
    tarn_linear layer;
} single;
TARN_DEFINE_FIELDS(single, TARN_FIELD_LAYER(single, layer, tarn_linear));

static bool single_loss(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const single *s = context;
    return count == 2 && tarn_result(results, tarn_mse_loss(tarn_linear_forward(&s->layer, inputs[0]), inputs[1]));
}

/* The mean of the parts' gradients is the gradient of the whole. */
static void check_parts(void) {
    TARN_SCOPE;
    single s[2] = {0};
    for (int k = 0; k < 2; k++) {
        tarn_array *key = tarn_random_key(5);
        CHECK(tarn_linear_init(&s[k].layer, 8, 3, &key));
        tarn_optimizer *o = tarn_sgd(0.1);
        tarn_trainer *t =
            tarn_trainer_new(TARN_FUNCTION(single_loss, &s[k]), TARN_TREE(single, &s[k]), o, .parts = k ? 4 : 0);
        tarn_results *r = tarn_trainer_step(t, TARN_ARRAYS(v(1, 16, 8), v(2, 16, 3)), 2);
        CHECK(fabs(tarn_item(tarn_results_at(r, 0)) - 0.9) < 0.5);
        if (k) CHECK_ERROR(tarn_trainer_step(t, TARN_ARRAYS(v(1, 6, 8), v(2, 6, 3)), 2), "6 rows in 4 parts");
        tarn_trainer_free(t);
        tarn_optimizer_free(o);
    }
    CHECK(tarn_item(tarn_allclose(s[0].layer.weight, s[1].layer.weight, .atol = TARN_VALUE(1e-6))) == 1);
    tarn_tree_free(TARN_TREE(single, &s[0]));
    tarn_tree_free(TARN_TREE(single, &s[1]));
}

static bool is_weight(const char *path) {
    return strstr(path, "weight") != NULL;
}

static void check_groups(network *n) {
    TARN_SCOPE;
    char all[2048] = "";
    tarn_optimizer *two[] = {tarn_lion(0.1), tarn_sgd(0.1)};
    tarn_optimizer *o = tarn_optimizer_groups(two, (tarn_parameter_filter[]){is_weight, NULL}, 2);
    tarn_parameters *p = tarn_parameters_new(TARN_TREE(network, n));
    CHECK(tarn_optimizer_init(o, p) && tarn_optimizer_visit(o, collect_path, all));
    CHECK(strstr(all, "states.0.step* ") && strstr(all, "states.0.input.weight.m* ") &&
          strstr(all, "states.1.input.bias.v* ") && !strstr(all, "states.1.input.weight"));
    tarn_parameters_free(p);
    tarn_optimizer_free(o);
}

static void check_initial_values(void) {
    TARN_SCOPE;
    tarn_array *key = tarn_random_key(3), *q = tarn_init_orthogonal(&key, TARN_SHAPE(5, 8), TARN_FLOAT32);
    tarn_array *gram = tarn_matmul(q, tarn_transpose(q));
    CHECK(tarn_item(tarn_allclose(gram, tarn_identity(5, TARN_FLOAT32), .atol = TARN_VALUE(1e-5))) == 1);
    tarn_array *x = tarn_init_he_uniform(&key, TARN_SHAPE(300, 100), TARN_FLOAT32);
    CHECK(fabs(tarn_item(tarn_std(x)) - 0.1) < 2e-3);
    x = tarn_init_glorot_normal(&key, TARN_SHAPE(100, 3, 3, 100), TARN_FLOAT32, .gain = TARN_VALUE(3));
    CHECK(fabs(tarn_item(tarn_std(x)) - 0.1) < 2e-3);
    x = tarn_init_sparse(&key, TARN_SHAPE(10, 20), TARN_FLOAT32, 0.3, 1);
    CHECK(tarn_item(
              tarn_all(tarn_equal(tarn_count_nonzero(x, .axes = TARN_AXES(0)), tarn_scalar_int(7, TARN_INT32)))) == 1);
    x = tarn_dropout(tarn_ones(TARN_SHAPE(4, 50, 8), TARN_FLOAT32), 0.5, key, .channels = true);
    CHECK(same(tarn_max(x, .axes = TARN_AXES(1)), tarn_min(x, .axes = TARN_AXES(1))) && tarn_item(tarn_max(x)) == 2);
}

static void check_errors(void) {
    TARN_SCOPE;
    tarn_array *x = v(1, 4, 5), *key = tarn_random_key(0);
    tarn_conv m;
    CHECK_ERROR(tarn_mse_loss(x, v(1, 4)), "mse_loss: inputs of 2 axes and targets of 1");
    CHECK_ERROR(tarn_dropout(x, 1, key), "dropout: p is 1");
    CHECK_ERROR(tarn_glu(x), "5 elements");
    CHECK_ERROR(tarn_max_pool(x, TARN_INTS(2)), "x has 2 axes");
    CHECK_ERROR(tarn_max_pool(v(1, 1, 3, 3, 1), TARN_INTS(4)), "kernel 4, stride 4 and padding 0 over 3 elements");
    CHECK_ERROR(tarn_conv_init(&m, 3, 4, TARN_INTS(3), &key, .groups = 2), "3 inputs and 4 outputs in 2 groups");
    CHECK_ERROR(tarn_conv_init(&m, 3, 4, TARN_INTS(3, 3), &key, .stride = TARN_INTS(1, 2, 3)), "3 numbers for 2 axes");
    CHECK_ERROR(tarn_tree_cast((tarn_tree){NULL, NULL}, TARN_FLOAT16), "NULL");
    CHECK_ERROR(tarn_optimizer_update(NULL, NULL, NULL, 0), "NULL");
}

int main(void) {
    CHECK(mkdtemp(folder));
    check_values();
    {
        TARN_SCOPE;
        network n = {0};
        CHECK(network_init(&n, 1));
        check_paths(&n);
        check_groups(&n);
        check_files(&n);
        check_quantized(&n);
        tarn_tree_free(TARN_TREE(network, &n));
    }
    check_trainer();
    check_resumed();
    check_parts();
    check_initial_values();
    check_errors();
    CHECK(tarn_ok());
    clear_folder();
    CHECK(rmdir(folder) == 0);
    return check_report("nn");
}
