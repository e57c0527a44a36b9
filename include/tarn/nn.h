/* Layers of neural networks, as functions over structs of arrays, and what is done with such structs as a whole.

   A layer is a struct of the caller's: its arrays are kept by it, `NAME_init` fills it with fresh ones, `NAME_forward`
   computes. A struct of layers is a layer; TARN_DEFINE_FIELDS says what is in it, and with that its arrays can be
   listed, saved, loaded, trained and quantized, each under its path as in MLX, "layers.0.attention.query_proj.weight":

       typedef struct { tarn_linear hidden, output; } network;
       TARN_DEFINE_FIELDS(network, TARN_FIELD_LAYER(network, hidden, tarn_linear),
                          TARN_FIELD_LAYER(network, output, tarn_linear));

       network n = {0};
       bool ok = tarn_linear_init(&n.hidden, 2, 32, &key) && tarn_linear_init(&n.output, 32, 1, &key);
       ...
       tarn_tree_free(TARN_TREE(network, &n));

   Names, shapes and initial values are those of mlx.nn. x [batch, ..., features], images [batch, height, width,
   channels]. `key` is a random key (tarn/random.h) of the caller's: it is used, and the next one put in its place. */
#ifndef TARN_NN_H
#define TARN_NN_H

#include "tarn/random.h"
#include "tarn/transform.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what is in a struct */

typedef struct tarn_fields tarn_fields;
typedef struct {
    const char *name; /* in paths */
    size_t offset;    /* of the member */
    /* NULL: the member is a tarn_array * (kept, or NULL: there is none). Else it is a struct with these fields, or,
       with a count, a pointer (memory of the C library's allocator) to so many of them. */
    const tarn_fields *fields;
    bool several;
    size_t count_offset; /* of the int that counts them */
    bool state;          /* saved and loaded, but not trained */
} tarn_field;
struct tarn_fields {
    const char *name; /* of the struct */
    const tarn_field *items;
    int count;
    size_t bytes; /* of the struct */
    /* Replaces the weight by a packed one; NULL: this layer is not quantized. */
    bool (*quantize)(void *layer, const char *mode, int64_t group_size, int64_t bits);
};
#define TARN_FIELD_ARRAY(owner, member)                                                                                \
    { #member, offsetof(owner, member), NULL, false, 0, false }
#define TARN_FIELD_STATE(owner, member)                                                                                \
    { #member, offsetof(owner, member), NULL, false, 0, true }
#define TARN_FIELD_LAYER(owner, member, type)                                                                          \
    { #member, offsetof(owner, member), &type##_fields, false, 0, false }
#define TARN_FIELD_LAYERS(owner, member, counted_by, type)                                                             \
    { #member, offsetof(owner, member), &type##_fields, true, offsetof(owner, counted_by), false }
#define TARN_DEFINE_FIELDS(owner, ...)                                                                                 \
    static const tarn_field owner##_items[] = {__VA_ARGS__};                                                           \
    static const tarn_fields owner##_fields = {                                                                        \
        #owner, owner##_items, (int)(sizeof owner##_items / sizeof *owner##_items), sizeof(owner), NULL}

/* ---- trees: a struct with what is in it */

typedef struct {
    const tarn_fields *fields;
    void *object;
} tarn_tree;
#define TARN_TREE(owner, object) (TARN_LITERAL(tarn_tree){&owner##_fields, (object)})

typedef struct {
    const char *path;   /* "layers.0.weight"; lent until the visit ends */
    tarn_array **array; /* the member; not NULL */
    bool state;
} tarn_leaf;
typedef bool (*tarn_leaf_visitor)(void *context, const tarn_leaf *leaf);
/* Visits the arrays there are, in the order of the fields, until a visit is false: that is then the result. */
TARN_API bool tarn_tree_visit(tarn_tree tree, tarn_leaf_visitor visit, void *context);
/* Drops every array, frees the memory of lists, and zeroes the struct. */
TARN_API void tarn_tree_free(tarn_tree tree);
/* Puts a (kept) in place of an array of a struct, which is dropped. False, with nothing changed, if a is NULL. */
TARN_API bool tarn_assign(tarn_array **member, tarn_array *a);

/* A safetensors file with the arrays under their paths. */
TARN_API bool tarn_tree_save(tarn_tree tree, const char *path);
/* Replaces the arrays by those of a file (or model folder) under their paths: each must be there, with its shape, and
   nothing else in the file. The error names the file and what is wrong; then nothing is replaced. */
typedef struct {
    int begin_;
    bool lax; /* arrays that the file does not have stay, others in the file are passed over */
    int end_;
} tarn_tree_load_options;
#define tarn_tree_load(...) TARN_CALL(2, tarn_tree_load_with, tarn_tree_load_options, __VA_ARGS__)
TARN_API bool tarn_tree_load_with(tarn_tree tree, const char *path, tarn_tree_load_options options TARN_ABSENT);
/* Every floating-point array as dtype. */
TARN_API bool tarn_tree_cast(tarn_tree tree, tarn_dtype dtype);

/* Packs the weights of the layers that can be (tarn_linear, tarn_embedding). 0 and NULL: as in tarn_quantize. */
typedef struct {
    int begin_;
    const char *mode;
    int64_t group_size, bits;
    /* What the layer at path shall have (*bits may be changed, and the others); false: it stays as it is. */
    bool (*choose)(void *context, const char *path, const char **mode, int64_t *group_size, int64_t *bits);
    void *context;
    int end_;
} tarn_tree_quantize_options;
#define tarn_tree_quantize(...) TARN_CALL(1, tarn_tree_quantize_with, tarn_tree_quantize_options, __VA_ARGS__)
TARN_API bool tarn_tree_quantize_with(tarn_tree tree, tarn_tree_quantize_options options TARN_ABSENT);

/* ---- parameters: the arrays of a tree that are trained. They refer to members of the struct, which outlives them and
   whose arrays and lists stay as many as they are. */

typedef struct tarn_parameters tarn_parameters;
typedef struct {
    int begin_;
    bool (*only)(void *context, const char *path); /* which; absent: all floating-point arrays that are no state */
    void *context;
    int end_;
} tarn_parameters_options;
#define tarn_parameters_new(...) TARN_CALL(1, tarn_parameters_new_with, tarn_parameters_options, __VA_ARGS__)
TARN_API tarn_parameters *tarn_parameters_new_with(tarn_tree tree, tarn_parameters_options options TARN_ABSENT);
TARN_API void tarn_parameters_free(tarn_parameters *parameters);
TARN_API int tarn_parameters_count(const tarn_parameters *parameters);
TARN_API const char *tarn_parameters_path(const tarn_parameters *parameters, int index); /* NULL if there is none */
TARN_API tarn_array *tarn_parameters_at(const tarn_parameters *parameters, int index);
/* Puts arrays of the same shapes in their places. */
TARN_API bool tarn_parameters_set(tarn_parameters *parameters, tarn_array *const *arrays, int count);
/* Gradients, in the order of the parameters, of the function's first result, as by tarn_grad. While it runs the struct
   holds what gradients are taken of: it just uses its layers. inputs are handed to it. */
#define tarn_parameters_grad(...) TARN_CALL(4, tarn_parameters_grad_with, tarn_outputs_options, __VA_ARGS__)
TARN_API tarn_results *tarn_parameters_grad_with(const tarn_parameters *parameters, tarn_function loss,
                                                 tarn_array *const *inputs, int count,
                                                 tarn_outputs_options options TARN_ABSENT);

/* ---- initial values, as in mlx.nn.init: [outputs, ..., inputs], of which the middle axes are a kernel's */
typedef struct {
    int begin_;
    tarn_value gain; /* 1 */
    bool fan_out;    /* of he: by the number of outputs, not of inputs */
    int end_;
} tarn_init_options;
/* Glorot and Bengio, 2010: deviation gain sqrt(2 / (inputs + outputs)), or a uniform distribution with that. */
#define tarn_init_glorot_normal(...)  TARN_CALL(3, tarn_init_glorot_normal_with, tarn_init_options, __VA_ARGS__)
#define tarn_init_glorot_uniform(...) TARN_CALL(3, tarn_init_glorot_uniform_with, tarn_init_options, __VA_ARGS__)
/* He et al., 2015: deviation gain / sqrt(inputs), or uniform. */
#define tarn_init_he_normal(...)  TARN_CALL(3, tarn_init_he_normal_with, tarn_init_options, __VA_ARGS__)
#define tarn_init_he_uniform(...) TARN_CALL(3, tarn_init_he_uniform_with, tarn_init_options, __VA_ARGS__)
/* Saxe et al., 2013: gain times a matrix with orthonormal rows or columns, 2-d. */
#define tarn_init_orthogonal(...) TARN_CALL(3, tarn_init_orthogonal_with, tarn_init_options, __VA_ARGS__)
TARN_API tarn_array *tarn_init_glorot_normal_with(tarn_array **key, tarn_ints shape, tarn_dtype dtype,
                                                  tarn_init_options options TARN_ABSENT);
TARN_API tarn_array *tarn_init_glorot_uniform_with(tarn_array **key, tarn_ints shape, tarn_dtype dtype,
                                                   tarn_init_options options TARN_ABSENT);
TARN_API tarn_array *tarn_init_he_normal_with(tarn_array **key, tarn_ints shape, tarn_dtype dtype,
                                              tarn_init_options options TARN_ABSENT);
TARN_API tarn_array *tarn_init_he_uniform_with(tarn_array **key, tarn_ints shape, tarn_dtype dtype,
                                               tarn_init_options options TARN_ABSENT);
TARN_API tarn_array *tarn_init_orthogonal_with(tarn_array **key, tarn_ints shape, tarn_dtype dtype,
                                               tarn_init_options options TARN_ABSENT);
/* Normal, with a share `sparsity` of the elements of each column zero; 2-d. */
TARN_API tarn_array *tarn_init_sparse(tarn_array **key, tarn_ints shape, tarn_dtype dtype, double sparsity,
                                      double deviation);

/* ---- linear layers. Options of a layer: */
typedef struct {
    int begin_;
    bool no_bias;
    tarn_dtype dtype; /* TARN_BOOL: float32 */
    int end_;
} tarn_layer_options;

/* x @ weightᵀ + bias. Packed, if scales are there. */
typedef struct {
    tarn_array *weight; /* [outputs, inputs], or packed uint32 */
    tarn_array *bias;   /* [outputs] or NULL */
    tarn_array *scales, *biases;
    const char *mode; /* of quantization, with group_size and bits */
    int64_t group_size, bits;
} tarn_linear;
TARN_API extern const tarn_fields tarn_linear_fields;
#define tarn_linear_init(...) TARN_CALL(4, tarn_linear_init_with, tarn_layer_options, __VA_ARGS__)
TARN_API bool tarn_linear_init_with(tarn_linear *layer, int64_t inputs, int64_t outputs, tarn_array **key,
                                    tarn_layer_options options TARN_ABSENT);
TARN_API tarn_array *tarn_linear_forward(const tarn_linear *layer, tarn_array *x);

/* Rows of weight [count, dims] by integer ids; as_linear: x @ weightᵀ. */
typedef struct {
    tarn_array *weight, *scales, *biases;
    const char *mode;
    int64_t group_size, bits;
} tarn_embedding;
TARN_API extern const tarn_fields tarn_embedding_fields;
#define tarn_embedding_init(...) TARN_CALL(4, tarn_embedding_init_with, tarn_layer_options, __VA_ARGS__)
TARN_API bool tarn_embedding_init_with(tarn_embedding *layer, int64_t count, int64_t dims, tarn_array **key,
                                       tarn_layer_options options TARN_ABSENT);
TARN_API tarn_array *tarn_embedding_forward(const tarn_embedding *layer, tarn_array *ids);
TARN_API tarn_array *tarn_embedding_as_linear(const tarn_embedding *layer, tarn_array *x);

/* x1 @ weight[o] @ x2 + bias[o] for each output o; weight [outputs, inputs2, inputs1]. */
typedef struct {
    tarn_array *weight, *bias;
} tarn_bilinear;
TARN_API extern const tarn_fields tarn_bilinear_fields;
#define tarn_bilinear_init(...) TARN_CALL(5, tarn_bilinear_init_with, tarn_layer_options, __VA_ARGS__)
TARN_API bool tarn_bilinear_init_with(tarn_bilinear *layer, int64_t inputs1, int64_t inputs2, int64_t outputs,
                                      tarn_array **key, tarn_layer_options options TARN_ABSENT);
TARN_API tarn_array *tarn_bilinear_forward(const tarn_bilinear *layer, tarn_array *x1, tarn_array *x2);

/* ---- convolutions of 1, 2 or 3 spatial axes: as many as kernel has numbers. Options as in tarn/ops.h. */
typedef struct {
    tarn_array *weight, *bias; /* [outputs, kernel ..., inputs / groups]; [outputs] */
    int64_t stride[3], padding[3], dilation[3], output_padding[3], groups;
    bool transposed;
} tarn_conv;
TARN_API extern const tarn_fields tarn_conv_fields;
typedef struct {
    int begin_;
    tarn_ints stride, padding, dilation, output_padding; /* one number for all axes, or one for each */
    int64_t groups;
    bool transposed, no_bias;
    tarn_dtype dtype; /* TARN_BOOL: float32 */
    int end_;
} tarn_conv_layer_options;
#define tarn_conv_init(...) TARN_CALL(5, tarn_conv_init_with, tarn_conv_layer_options, __VA_ARGS__)
TARN_API bool tarn_conv_init_with(tarn_conv *layer, int64_t inputs, int64_t outputs, tarn_ints kernel, tarn_array **key,
                                  tarn_conv_layer_options options TARN_ABSENT);
TARN_API tarn_array *tarn_conv_forward(const tarn_conv *layer, tarn_array *x);

/* The largest, and the mean, of each window; axes are those between the first and the last. Absent stride: the kernel.
 */
typedef struct {
    int begin_;
    tarn_ints stride, padding;
    int end_;
} tarn_pool_options;
#define tarn_max_pool(...) TARN_CALL(2, tarn_max_pool_with, tarn_pool_options, __VA_ARGS__)
#define tarn_avg_pool(...) TARN_CALL(2, tarn_avg_pool_with, tarn_pool_options, __VA_ARGS__)
TARN_API tarn_array *tarn_max_pool_with(tarn_array *x, tarn_ints kernel, tarn_pool_options options TARN_ABSENT);
TARN_API tarn_array *tarn_avg_pool_with(tarn_array *x, tarn_ints kernel, tarn_pool_options options TARN_ABSENT);

/* ---- norms */
typedef struct {
    int begin_;
    bool no_weight, no_bias, no_state;
    tarn_value eps, momentum; /* 1e-5, 0.1 */
    tarn_dtype dtype;         /* TARN_BOOL: float32 */
    int end_;
} tarn_norm_layer_options;
/* Normalizes over the last axis (layer_norm, rms_norm), over groups of channels and all places of an example
   (group_norm; as many groups as channels: instance norm), over the batch (batch_norm). */
typedef struct {
    tarn_array *weight, *bias;
    double eps;
} tarn_layer_norm_layer;
TARN_API extern const tarn_fields tarn_layer_norm_layer_fields;
#define tarn_layer_norm_init(...) TARN_CALL(2, tarn_layer_norm_init_with, tarn_norm_layer_options, __VA_ARGS__)
TARN_API bool tarn_layer_norm_init_with(tarn_layer_norm_layer *layer, int64_t dims,
                                        tarn_norm_layer_options options TARN_ABSENT);
TARN_API tarn_array *tarn_layer_norm_forward(const tarn_layer_norm_layer *layer, tarn_array *x);
typedef struct {
    tarn_array *weight;
    double eps;
} tarn_rms_norm_layer;
TARN_API extern const tarn_fields tarn_rms_norm_layer_fields;
#define tarn_rms_norm_init(...) TARN_CALL(2, tarn_rms_norm_init_with, tarn_norm_layer_options, __VA_ARGS__)
TARN_API bool tarn_rms_norm_init_with(tarn_rms_norm_layer *layer, int64_t dims,
                                      tarn_norm_layer_options options TARN_ABSENT);
TARN_API tarn_array *tarn_rms_norm_forward(const tarn_rms_norm_layer *layer, tarn_array *x);
typedef struct {
    tarn_array *weight, *bias;
    double eps;
    int64_t groups;
    bool neighbours; /* a group is neighbouring channels (as in PyTorch), else every groups-th */
} tarn_group_norm;
TARN_API extern const tarn_fields tarn_group_norm_fields;
#define tarn_group_norm_init(...) TARN_CALL(3, tarn_group_norm_init_with, tarn_norm_layer_options, __VA_ARGS__)
TARN_API bool tarn_group_norm_init_with(tarn_group_norm *layer, int64_t groups, int64_t dims,
                                        tarn_norm_layer_options options TARN_ABSENT);
TARN_API tarn_array *tarn_group_norm_forward(const tarn_group_norm *layer, tarn_array *x);
typedef struct {
    tarn_array *weight, *bias, *running_mean, *running_var; /* the last two are state */
    double eps, momentum;
} tarn_batch_norm;
TARN_API extern const tarn_fields tarn_batch_norm_fields;
#define tarn_batch_norm_init(...) TARN_CALL(2, tarn_batch_norm_init_with, tarn_norm_layer_options, __VA_ARGS__)
TARN_API bool tarn_batch_norm_init_with(tarn_batch_norm *layer, int64_t dims,
                                        tarn_norm_layer_options options TARN_ABSENT);
/* training: by the batch, whose mean and variance go into the running ones; else by those, if the layer has them. */
TARN_API tarn_array *tarn_batch_norm_forward(tarn_batch_norm *layer, tarn_array *x, bool training);

/* ---- recurrent layers over x [batch, length, inputs] (or [length, inputs]): the hidden states [batch, length,
   hidden]. Arrays have MLX's names. */
typedef struct {
    tarn_array *Wxh, *Whh, *bias; /* [hidden, inputs], [hidden, hidden], [hidden] */
} tarn_rnn;
typedef struct {
    tarn_array *Wx, *Wh, *b, *bhn; /* [3 hidden, inputs], [3 hidden, hidden], [3 hidden], [hidden]: r, z, n */
} tarn_gru;
typedef struct {
    tarn_array *Wx, *Wh, *bias; /* [4 hidden, inputs], [4 hidden, hidden], [4 hidden]: i, f, g, o */
} tarn_lstm;
TARN_API extern const tarn_fields tarn_rnn_fields, tarn_gru_fields, tarn_lstm_fields;
#define tarn_rnn_init(...)  TARN_CALL(4, tarn_rnn_init_with, tarn_layer_options, __VA_ARGS__)
#define tarn_gru_init(...)  TARN_CALL(4, tarn_gru_init_with, tarn_layer_options, __VA_ARGS__)
#define tarn_lstm_init(...) TARN_CALL(4, tarn_lstm_init_with, tarn_layer_options, __VA_ARGS__)
TARN_API bool tarn_rnn_init_with(tarn_rnn *layer, int64_t inputs, int64_t hidden, tarn_array **key,
                                 tarn_layer_options options TARN_ABSENT);
TARN_API bool tarn_gru_init_with(tarn_gru *layer, int64_t inputs, int64_t hidden, tarn_array **key,
                                 tarn_layer_options options TARN_ABSENT);
TARN_API bool tarn_lstm_init_with(tarn_lstm *layer, int64_t inputs, int64_t hidden, tarn_array **key,
                                  tarn_layer_options options TARN_ABSENT);
/* h = tanh(Wxh x + Whh h + bias); hidden [batch, hidden]: the state before, NULL: zero. */
TARN_API tarn_array *tarn_rnn_forward(const tarn_rnn *layer, tarn_array *x, tarn_array *hidden);
/* Cho et al., 2014: n = tanh(Wn x + bn + r (Un h + bhn)); h = (1 - z) n + z h */
TARN_API tarn_array *tarn_gru_forward(const tarn_gru *layer, tarn_array *x, tarn_array *hidden);
/* Hochreiter and Schmidhuber, 1997: c = f c + i g; h = o tanh(c). *cells (may be NULL) gets the cells. */
TARN_API tarn_array *tarn_lstm_forward(const tarn_lstm *layer, tarn_array *x, tarn_array *hidden, tarn_array *cell,
                                       tarn_array **cells);

/* ---- transformers (Vaswani et al., 2017); x [batch, length, dims] */
typedef struct {
    tarn_linear query_proj, key_proj, value_proj, out_proj;
    int64_t heads;
} tarn_multi_head_attention;
TARN_API extern const tarn_fields tarn_multi_head_attention_fields;
typedef struct {
    int begin_;
    int64_t query_inputs, key_inputs, value_inputs, value_dims, value_outputs; /* 0: dims */
    bool bias;
    tarn_dtype dtype; /* TARN_BOOL: float32 */
    int end_;
} tarn_multi_head_options;
#define tarn_multi_head_attention_init(...)                                                                            \
    TARN_CALL(4, tarn_multi_head_attention_init_with, tarn_multi_head_options, __VA_ARGS__)
TARN_API bool tarn_multi_head_attention_init_with(tarn_multi_head_attention *layer, int64_t dims, int64_t heads,
                                                  tarn_array **key, tarn_multi_head_options options TARN_ABSENT);
/* mask: as of tarn_attention, or NULL. */
TARN_API tarn_array *tarn_multi_head_attention_forward(const tarn_multi_head_attention *layer, tarn_array *queries,
                                                       tarn_array *keys, tarn_array *values, tarn_array *mask);

/* Attention and two linear layers, each added to its input; cross_attention (of a decoder) looks at `memory`. */
typedef struct {
    tarn_multi_head_attention attention; /* in files "attention", of a decoder "self_attention" */
    tarn_multi_head_attention cross_attention;
    tarn_layer_norm_layer ln1, ln2, ln3; /* ln3 of a decoder only */
    tarn_linear linear1, linear2;
    double dropout;
    bool norm_last; /* norms after the sum, as in the paper, not before the layer */
    tarn_array *(*activation)(tarn_array *x);
} tarn_transformer_layer;
TARN_API extern const tarn_fields tarn_encoder_layer_fields, tarn_decoder_layer_fields;
typedef struct {
    tarn_transformer_layer *layers;
    int count;
    tarn_layer_norm_layer ln;
} tarn_transformer_stack;
TARN_API extern const tarn_fields tarn_encoder_fields, tarn_decoder_fields;
typedef struct {
    int begin_;
    int64_t mlp_dims; /* 0: 4 dims */
    double dropout;
    bool norm_last;
    tarn_array *(*activation)(tarn_array *x); /* tarn_relu */
    tarn_dtype dtype;                         /* TARN_BOOL: float32 */
    int end_;
} tarn_transformer_options;
#define tarn_encoder_init(...) TARN_CALL(5, tarn_encoder_init_with, tarn_transformer_options, __VA_ARGS__)
#define tarn_decoder_init(...) TARN_CALL(5, tarn_decoder_init_with, tarn_transformer_options, __VA_ARGS__)
TARN_API bool tarn_encoder_init_with(tarn_transformer_stack *stack, int count, int64_t dims, int64_t heads,
                                     tarn_array **key, tarn_transformer_options options TARN_ABSENT);
TARN_API bool tarn_decoder_init_with(tarn_transformer_stack *stack, int count, int64_t dims, int64_t heads,
                                     tarn_array **key, tarn_transformer_options options TARN_ABSENT);
/* key: for dropout, in training; NULL: none. The trees are {&tarn_encoder_fields, stack}, or of a decoder. */
TARN_API tarn_array *tarn_encoder_forward(const tarn_transformer_stack *stack, tarn_array *x, tarn_array *mask,
                                          tarn_array *key);
TARN_API tarn_array *tarn_decoder_forward(const tarn_transformer_stack *stack, tarn_array *x, tarn_array *memory,
                                          tarn_array *mask, tarn_array *memory_mask, tarn_array *key);
/* [length, length] of a float dtype: 0 up to the diagonal, -infinity (the lowest finite number) above it. */
TARN_API tarn_array *tarn_causal_mask(int64_t length, tarn_dtype dtype);

/* ---- places */
typedef struct {
    int begin_;
    tarn_value min_frequency, max_frequency, scale; /* 1e-4, 1, sqrt(2 / dims) */
    bool cos_first, full_turns;
    int end_;
} tarn_sinusoidal_options;
/* [..., dims] of positions: sines and cosines at frequencies in geometric steps. */
#define tarn_sinusoidal_encoding(...) TARN_CALL(2, tarn_sinusoidal_encoding_with, tarn_sinusoidal_options, __VA_ARGS__)
TARN_API tarn_array *tarn_sinusoidal_encoding_with(tarn_array *positions, int64_t dims,
                                                   tarn_sinusoidal_options options TARN_ABSENT);
/* What ALiBi (Press et al., 2021) adds to scores: float32 [heads, queries, keys], the queries being the last ones. */
TARN_API tarn_array *tarn_alibi_bias(int64_t heads, int64_t queries, int64_t keys);

typedef enum { TARN_NEAREST, TARN_LINEAR, TARN_CUBIC } tarn_interpolation;
typedef struct {
    int begin_;
    tarn_interpolation mode;
    bool align_corners; /* the first and last places of both meet */
    int end_;
} tarn_upsample_options;
/* x [batch, 1 to 3 axes, channels] with its axes so many times as long (rounded down); one number, or one for each. */
#define tarn_upsample(...) TARN_CALL(3, tarn_upsample_with, tarn_upsample_options, __VA_ARGS__)
TARN_API tarn_array *tarn_upsample_with(tarn_array *x, const double *scale, int count,
                                        tarn_upsample_options options TARN_ABSENT);

/* ---- activations that are no operation of tarn/elementwise.h */
TARN_API tarn_array *tarn_relu(tarn_array *x);
TARN_API tarn_array *tarn_relu2(tarn_array *x); /* relu(x)² */
TARN_API tarn_array *tarn_relu6(tarn_array *x);
TARN_API tarn_array *tarn_leaky_relu(tarn_array *x, double slope);
TARN_API tarn_array *tarn_prelu(tarn_array *x, tarn_array *slope);
TARN_API tarn_array *tarn_elu(tarn_array *x, double alpha);
TARN_API tarn_array *tarn_celu(tarn_array *x, double alpha);
TARN_API tarn_array *tarn_selu(tarn_array *x);             /* Klambauer et al., 2017 */
TARN_API tarn_array *tarn_gelu(tarn_array *x);             /* x Phi(x), Hendrycks and Gimpel, 2016 */
TARN_API tarn_array *tarn_gelu_approx(tarn_array *x);      /* by tanh */
TARN_API tarn_array *tarn_gelu_fast_approx(tarn_array *x); /* x sigmoid(1.702 x) */
TARN_API tarn_array *tarn_mish(tarn_array *x);             /* x tanh(softplus(x)), Misra, 2019 */
TARN_API tarn_array *tarn_hardswish(tarn_array *x);
TARN_API tarn_array *tarn_hard_tanh(tarn_array *x, double low, double high);
TARN_API tarn_array *tarn_hard_shrink(tarn_array *x, double limit);
TARN_API tarn_array *tarn_soft_shrink(tarn_array *x, double limit);
TARN_API tarn_array *tarn_softplus(tarn_array *x);
TARN_API tarn_array *tarn_softsign(tarn_array *x);
TARN_API tarn_array *tarn_log_sigmoid(tarn_array *x);
TARN_API tarn_array *tarn_step(tarn_array *x, double threshold); /* 1 from it on, 0 below */
/* Along axis; absent: the last. glu: the first half times the sigmoid of the second. */
#define tarn_glu(...)         TARN_CALL(1, tarn_glu_with, tarn_axis_options, __VA_ARGS__)
#define tarn_softmin(...)     TARN_CALL(1, tarn_softmin_with, tarn_axis_options, __VA_ARGS__)
#define tarn_log_softmax(...) TARN_CALL(1, tarn_log_softmax_with, tarn_axis_options, __VA_ARGS__)
TARN_API tarn_array *tarn_glu_with(tarn_array *x, tarn_axis_options options TARN_ABSENT);
TARN_API tarn_array *tarn_softmin_with(tarn_array *x, tarn_axis_options options TARN_ABSENT);
TARN_API tarn_array *tarn_log_softmax_with(tarn_array *x, tarn_axis_options options TARN_ABSENT);

/* x with a share p of its elements zero and the others divided by 1 - p. channels: whole channels (the last axis) of an
   example. Use it in training only. */
typedef struct {
    int begin_;
    bool channels;
    int end_;
} tarn_dropout_options;
#define tarn_dropout(...) TARN_CALL(3, tarn_dropout_with, tarn_dropout_options, __VA_ARGS__)
TARN_API tarn_array *tarn_dropout_with(tarn_array *x, double p, tarn_array *key,
                                       tarn_dropout_options options TARN_ABSENT);

/* ---- losses: a number for each element or example, of which `reduction` makes one. */
typedef enum { TARN_MEAN, TARN_SUM, TARN_NONE } tarn_reduction; /* absent: the mean */
typedef struct {
    int begin_;
    tarn_reduction reduction;
    int end_;
} tarn_loss_options;
typedef struct {
    int begin_;
    tarn_reduction reduction;
    tarn_array *weights; /* of each loss, before it is reduced */
    tarn_axis axis;      /* of the classes; absent: the last */
    double label_smoothing;
    int end_;
} tarn_cross_entropy_options;
/* Of logits [..., n] and targets: classes [...] (integers), or probabilities [..., n]. */
#define tarn_cross_entropy_loss(...) TARN_CALL(2, tarn_cross_entropy_loss_with, tarn_cross_entropy_options, __VA_ARGS__)
TARN_API tarn_array *tarn_cross_entropy_loss_with(tarn_array *logits, tarn_array *targets,
                                                  tarn_cross_entropy_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_reduction reduction;
    tarn_array *weights;
    bool probabilities; /* inputs are no logits; their logarithms are at least -100 */
    int end_;
} tarn_binary_options;
#define tarn_binary_cross_entropy_loss(...)                                                                            \
    TARN_CALL(2, tarn_binary_cross_entropy_loss_with, tarn_binary_options, __VA_ARGS__)
TARN_API tarn_array *tarn_binary_cross_entropy_loss_with(tarn_array *inputs, tarn_array *targets,
                                                         tarn_binary_options options TARN_ABSENT);
#define TARN_LOSS(name, required, ...) TARN_CALL(required, tarn_##name##_loss_with, tarn_loss_options, __VA_ARGS__)
#define tarn_l1_loss(...)              TARN_LOSS(l1, 2, __VA_ARGS__)        /* |x - t| */
#define tarn_mse_loss(...)             TARN_LOSS(mse, 2, __VA_ARGS__)       /* (x - t)² */
#define tarn_hinge_loss(...)           TARN_LOSS(hinge, 2, __VA_ARGS__)     /* max(0, 1 - x t) */
#define tarn_log_cosh_loss(...)        TARN_LOSS(log_cosh, 2, __VA_ARGS__)  /* log(cosh(x - t)) */
#define tarn_huber_loss(...)           TARN_LOSS(huber, 3, __VA_ARGS__)     /* d²/2 up to |d| = delta, then linear */
#define tarn_smooth_l1_loss(...)       TARN_LOSS(smooth_l1, 3, __VA_ARGS__) /* d²/(2 beta) below beta, |d| - beta/2 */
TARN_API tarn_array *tarn_l1_loss_with(tarn_array *x, tarn_array *targets, tarn_loss_options options TARN_ABSENT);
TARN_API tarn_array *tarn_mse_loss_with(tarn_array *x, tarn_array *targets, tarn_loss_options options TARN_ABSENT);
TARN_API tarn_array *tarn_hinge_loss_with(tarn_array *x, tarn_array *targets, tarn_loss_options options TARN_ABSENT);
TARN_API tarn_array *tarn_log_cosh_loss_with(tarn_array *x, tarn_array *targets, tarn_loss_options options TARN_ABSENT);
TARN_API tarn_array *tarn_huber_loss_with(tarn_array *x, tarn_array *targets, double delta,
                                          tarn_loss_options options TARN_ABSENT);
TARN_API tarn_array *tarn_smooth_l1_loss_with(tarn_array *x, tarn_array *targets, double beta,
                                              tarn_loss_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_reduction reduction;
    tarn_axis axis; /* absent: the last */
    int end_;
} tarn_axis_loss_options;
/* -x[target] of log-probabilities x [..., n]. */
#define tarn_nll_loss(...) TARN_CALL(2, tarn_nll_loss_with, tarn_axis_loss_options, __VA_ARGS__)
TARN_API tarn_array *tarn_nll_loss_with(tarn_array *x, tarn_array *targets, tarn_axis_loss_options options TARN_ABSENT);
/* The divergence of x from the targets, both log-probabilities. */
#define tarn_kl_div_loss(...) TARN_CALL(2, tarn_kl_div_loss_with, tarn_axis_loss_options, __VA_ARGS__)
TARN_API tarn_array *tarn_kl_div_loss_with(tarn_array *x, tarn_array *targets,
                                           tarn_axis_loss_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_reduction reduction;
    bool full;      /* with the constant log(2 pi) / 2 */
    tarn_value eps; /* 1e-6: the least variance */
    int end_;
} tarn_gaussian_options;
#define tarn_gaussian_nll_loss(...) TARN_CALL(3, tarn_gaussian_nll_loss_with, tarn_gaussian_options, __VA_ARGS__)
TARN_API tarn_array *tarn_gaussian_nll_loss_with(tarn_array *x, tarn_array *targets, tarn_array *variances,
                                                 tarn_gaussian_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_reduction reduction;
    tarn_axis axis;               /* absent: the last */
    tarn_value norm, margin, eps; /* 2, 1, 1e-6 */
    int end_;
} tarn_triplet_options;
/* max(0, |a - positive| - |a - negative| + margin) in the norm. */
#define tarn_triplet_loss(...) TARN_CALL(3, tarn_triplet_loss_with, tarn_triplet_options, __VA_ARGS__)
TARN_API tarn_array *tarn_triplet_loss_with(tarn_array *anchors, tarn_array *positives, tarn_array *negatives,
                                            tarn_triplet_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_reduction reduction;
    tarn_axis axis; /* absent: 1 */
    tarn_value eps; /* 1e-8: the least product of norms */
    int end_;
} tarn_cosine_options;
/* The cosine of the angle between a and b. */
#define tarn_cosine_similarity_loss(...)                                                                               \
    TARN_CALL(2, tarn_cosine_similarity_loss_with, tarn_cosine_options, __VA_ARGS__)
TARN_API tarn_array *tarn_cosine_similarity_loss_with(tarn_array *a, tarn_array *b,
                                                      tarn_cosine_options options TARN_ABSENT);
/* max(0, -t (a - b) + margin), t 1 or -1. */
#define tarn_margin_ranking_loss(...) TARN_LOSS(margin_ranking, 4, __VA_ARGS__)
TARN_API tarn_array *tarn_margin_ranking_loss_with(tarn_array *a, tarn_array *b, tarn_array *targets, double margin,
                                                   tarn_loss_options options TARN_ABSENT);

#ifdef __cplusplus
}
#endif
#endif
