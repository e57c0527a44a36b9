/* Optimizers: what makes new parameters (tarn/nn.h) of their gradients, with schedules, clipping, and a step of
   training as one compiled function.

       tarn_optimizer *adam = tarn_adamw(1e-3, .weight_decay = TARN_VALUE(0.1));
       tarn_trainer *trainer = tarn_trainer_new(TARN_FUNCTION(loss, &n), TARN_TREE(network, &n), adam);
       for (...) tarn_trainer_step(trainer, batch, 2);

   Formulas, default values and the names of states in files are those of mlx.optimizers. */
#ifndef TARN_OPTIM_H
#define TARN_OPTIM_H

#include "tarn/io.h"
#include "tarn/nn.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tarn_optimizer tarn_optimizer;

/* The learning rate, a 0-d float, for a step: the 0-d number of updates before this one. Inside a compiled function it
   is traced once: made of operations, not of values that are read. */
typedef struct {
    tarn_array *(*rate)(void *context, tarn_array *step);
    void *context;
} tarn_schedule;
/* To make schedules of. */
TARN_API tarn_array *tarn_exponential_decay(tarn_array *step, double init, double decay_rate); /* init * rate^step */
TARN_API tarn_array *tarn_step_decay(tarn_array *step, double init, double decay_rate,
                                     int64_t step_size); /* init * rate^(step / size, whole) */
TARN_API tarn_array *tarn_cosine_decay(tarn_array *step, double init, int64_t decay_steps,
                                       double end); /* half a cosine from init to end, which stays */
TARN_API tarn_array *tarn_linear_schedule(tarn_array *step, double init, double end, int64_t steps); /* then end */
/* schedules[i] from boundaries[i - 1] on, counting from there; there is one boundary less than schedules. */
TARN_API tarn_array *tarn_join_schedules(tarn_array *step, const tarn_schedule *schedules, const int64_t *boundaries,
                                         int count);

/* ---- optimizers: g the gradient, w the parameter, r the learning rate. schedule: instead of learning_rate. */
typedef struct {
    int begin_;
    tarn_schedule schedule;
    double momentum, weight_decay, dampening;
    bool nesterov;
    int end_;
} tarn_sgd_options;
/* v = momentum v + (1 - dampening) (g + weight_decay w); w -= r v */
#define tarn_sgd(...) TARN_CALL(1, tarn_sgd_with, tarn_sgd_options, __VA_ARGS__)
TARN_API tarn_optimizer *tarn_sgd_with(double learning_rate, tarn_sgd_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_schedule schedule;
    tarn_value alpha, eps; /* 0.99, 1e-8 */
    int end_;
} tarn_rmsprop_options;
/* Tieleman and Hinton, 2012: v = alpha v + (1 - alpha) g²; w -= r g / (sqrt(v) + eps) */
#define tarn_rmsprop(...) TARN_CALL(1, tarn_rmsprop_with, tarn_rmsprop_options, __VA_ARGS__)
TARN_API tarn_optimizer *tarn_rmsprop_with(double learning_rate, tarn_rmsprop_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_schedule schedule;
    tarn_value eps; /* 1e-8 */
    int end_;
} tarn_adagrad_options;
/* Duchi et al., 2011: v += g²; w -= r g / (sqrt(v) + eps) */
#define tarn_adagrad(...) TARN_CALL(1, tarn_adagrad_with, tarn_adagrad_options, __VA_ARGS__)
TARN_API tarn_optimizer *tarn_adagrad_with(double learning_rate, tarn_adagrad_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_schedule schedule;
    tarn_value rho, eps; /* 0.9, 1e-6 */
    int end_;
} tarn_adadelta_options;
/* Zeiler, 2012: v = rho v + (1 - rho) g²; d = sqrt(u + eps) / sqrt(v + eps) g; u = rho u + (1 - rho) d²; w -= r d */
#define tarn_adadelta(...) TARN_CALL(1, tarn_adadelta_with, tarn_adadelta_options, __VA_ARGS__)
TARN_API tarn_optimizer *tarn_adadelta_with(double learning_rate, tarn_adadelta_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_schedule schedule;
    tarn_value beta1, beta2, eps; /* 0.9, 0.999, 1e-8 */
    tarn_value weight_decay;      /* of adamw: 0.01 */
    bool bias_correction;
    int end_;
} tarn_adam_options;
/* Kingma and Ba, 2015: m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g²; w -= r m / (sqrt(v) + eps); with
   bias_correction as in the paper. adamw (Loshchilov and Hutter, 2019): w is first multiplied by 1 - r weight_decay. */
#define tarn_adam(...)  TARN_CALL(1, tarn_adam_with, tarn_adam_options, __VA_ARGS__)
#define tarn_adamw(...) TARN_CALL(1, tarn_adamw_with, tarn_adam_options, __VA_ARGS__)
TARN_API tarn_optimizer *tarn_adam_with(double learning_rate, tarn_adam_options options TARN_ABSENT);
TARN_API tarn_optimizer *tarn_adamw_with(double learning_rate, tarn_adam_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_schedule schedule;
    tarn_value beta1, beta2, eps; /* 0.9, 0.999, 1e-8 */
    int end_;
} tarn_adamax_options;
/* The same paper: v = max(beta2 v, |g|); w -= r m / (v + eps) */
#define tarn_adamax(...) TARN_CALL(1, tarn_adamax_with, tarn_adamax_options, __VA_ARGS__)
TARN_API tarn_optimizer *tarn_adamax_with(double learning_rate, tarn_adamax_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_schedule schedule;
    tarn_value beta1, beta2; /* 0.9, 0.99 */
    double weight_decay;
    int end_;
} tarn_lion_options;
/* Chen et al., 2023: c = beta1 m + (1 - beta1) g; m = beta2 m + (1 - beta2) g; w -= r (sign(c) + weight_decay w) */
#define tarn_lion(...) TARN_CALL(1, tarn_lion_with, tarn_lion_options, __VA_ARGS__)
TARN_API tarn_optimizer *tarn_lion_with(double learning_rate, tarn_lion_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_schedule schedule;
    tarn_value eps1, eps2, clip_threshold, decay_rate; /* 1e-30, 1e-3, 1, -0.8 */
    tarn_value beta1;                                  /* absent: no first moment */
    double weight_decay;
    bool no_parameter_scale, warmup;
    int end_;
} tarn_adafactor_options;
/* Shazeer and Stern, 2018. learning_rate 0 without a schedule: relative to the step, min(0.01, 1 / sqrt(step)), with
   warmup min(1e-6 step, 1 / sqrt(step)). */
#define tarn_adafactor(...) TARN_CALL(1, tarn_adafactor_with, tarn_adafactor_options, __VA_ARGS__)
TARN_API tarn_optimizer *tarn_adafactor_with(double learning_rate, tarn_adafactor_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_schedule schedule;
    tarn_value momentum, weight_decay; /* 0.95, 0.01 */
    bool no_nesterov;
    int64_t steps; /* of Newton and Schulz: 0: 5 */
    int end_;
} tarn_muon_options;
/* Jordan et al., 2024 (https://kellerjordan.github.io/posts/muon/): the momentum of a matrix made orthogonal. */
#define tarn_muon(...) TARN_CALL(1, tarn_muon_with, tarn_muon_options, __VA_ARGS__)
TARN_API tarn_optimizer *tarn_muon_with(double learning_rate, tarn_muon_options options TARN_ABSENT);

/* Each parameter goes to the first optimizer whose filter takes its path; the last one needs none (NULL). They belong
   to the result, also if it is NULL. */
typedef bool (*tarn_parameter_filter)(const char *path);
TARN_API tarn_optimizer *tarn_optimizer_groups(tarn_optimizer *const *optimizers, const tarn_parameter_filter *filters,
                                               int count);
TARN_API void tarn_optimizer_free(tarn_optimizer *optimizer);

/* Replaces the parameters, and the state. Nothing is computed before somebody evaluates them. The first call decides
   which parameters the state is for. */
TARN_API bool tarn_optimizer_update(tarn_optimizer *optimizer, tarn_parameters *parameters,
                                    tarn_array *const *gradients, int count);
/* The state as it is before the first update, if there is none yet. */
TARN_API bool tarn_optimizer_init(tarn_optimizer *optimizer, const tarn_parameters *parameters);
/* Visits the arrays of the state, "step", "learning_rate", "layers.0.weight.m". */
TARN_API bool tarn_optimizer_visit(tarn_optimizer *optimizer, tarn_leaf_visitor visit, void *context);

/* A safetensors file with the state under these names; loading asks for each array, with its shape, after
   tarn_optimizer_init. */
TARN_API bool tarn_optimizer_save(tarn_optimizer *optimizer, const char *path);
TARN_API bool tarn_optimizer_load(tarn_optimizer *optimizer, const char *path);

/* gradients times max_norm / (norm + 1e-6) where their common norm is above max_norm: out[0 .. count). *norm (may be
   NULL) gets it. */
TARN_API bool tarn_clip_grad_norm(tarn_array *const *gradients, int count, double max_norm, tarn_array **out,
                                  tarn_array **norm);

/* ---- a step of training: gradients of the loss, clipped, and the update, compiled as one function. The arrays of the
   tree, trained or state, and of the optimizer are its state: nobody else need hold them. */
typedef struct tarn_trainer tarn_trainer;
typedef struct {
    int begin_;
    bool (*only)(void *context, const char *path); /* which are trained, as of tarn_parameters_new */
    void *context;
    double max_norm; /* 0: gradients are not clipped */
    /* Inputs are cut along their first axis into so many parts of the same size, one after the other, whose gradients
       and results (floats) are averaged: less memory. 0: 1. */
    int64_t parts;
    int end_;
} tarn_trainer_options;
#define tarn_trainer_new(...) TARN_CALL(3, tarn_trainer_new_with, tarn_trainer_options, __VA_ARGS__)
/* The optimizer and the struct outlive it. */
TARN_API tarn_trainer *tarn_trainer_new_with(tarn_function loss, tarn_tree tree, tarn_optimizer *optimizer,
                                             tarn_trainer_options options TARN_ABSENT);
TARN_API void tarn_trainer_free(tarn_trainer *trainer);
/* Everything that a step reads and replaces in one safetensors file, "model.…" and "optimizer.…", written whole or not
   at all; a trainer that loads it goes on with the same bits. metadata: notes of the caller's (tarn_load_safetensors
   gives them back). */
typedef struct {
    int begin_;
    const tarn_pair *metadata;
    int64_t metadata_count;
    int end_;
} tarn_trainer_save_options;
#define tarn_trainer_save(...) TARN_CALL(2, tarn_trainer_save_with, tarn_trainer_save_options, __VA_ARGS__)
TARN_API bool tarn_trainer_save_with(tarn_trainer *trainer, const char *path,
                                     tarn_trainer_save_options options TARN_ABSENT);
TARN_API bool tarn_trainer_load(tarn_trainer *trainer, const char *path);
/* One step; what the loss handed out, its value first. The work is under way when it returns. */
TARN_API tarn_results *tarn_trainer_step(tarn_trainer *trainer, tarn_array *const *inputs, int count);

#ifdef __cplusplus
}
#endif
#endif
