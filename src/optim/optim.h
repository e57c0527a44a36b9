/* Optimizers from within: a rule, its settings, and the state of each parameter. */
#ifndef OPTIM_OPTIM_H
#define OPTIM_OPTIM_H

#include "base/vector.h"
#include "nn/nn.h"
#include "tarn/optim.h"

enum { MOST_STATES = 3 };

/* One parameter at one update: state is read and replaced. */
typedef struct {
    const void *settings;
    tarn_array *rate, *step; /* 0-d, rate in the parameter's dtype; step counts from 1, float32 */
    bool relative;           /* no rate was given: learning_rate 0, no schedule */
    tarn_array *parameter, *gradient;
    tarn_array **state;
} update;

typedef struct {
    size_t settings_bytes;
    const char *const *states; /* names, in files; NULL: no more */
    /* The new parameter; NULL on failure. */
    tarn_array *(*apply)(update *u);
    /* State `index` of a parameter before the first update, or NULL without an error: the parameter has none. NULL:
       zeros. */
    tarn_array *(*first)(const void *settings, tarn_array *parameter, int index);
} optimizer_rule;

typedef struct {
    char *path;
    tarn_array *state[MOST_STATES];
} parameter_state;

struct tarn_optimizer {
    const optimizer_rule *rule; /* NULL: groups */
    void *settings;
    double learning_rate;
    tarn_schedule schedule;
    tarn_array *step, *rate; /* kept; NULL before the first update */
    VECTOR(parameter_state) states;

    tarn_optimizer **groups;
    tarn_parameter_filter *filters;
    int group_count;
};

/* A copy of the settings; they begin, as all options do, with an int and the schedule. */
tarn_optimizer *optimizer_new(const optimizer_rule *rule, double learning_rate, tarn_schedule schedule,
                              const void *settings);

#endif
