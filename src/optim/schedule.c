/* Schedules: the learning rate as a formula of the step. */
#include <math.h>

#include "nn/nn.h"
#include "tarn/optim.h"

static tarn_array *number(double value) {
    return tarn_scalar(value, TARN_FLOAT32);
}
static tarn_array *as_float(tarn_array *step) {
    return tarn_astype(step, TARN_FLOAT32);
}

tarn_array *tarn_exponential_decay(tarn_array *step, double init, double decay_rate) {
    return tarn_multiply_number(tarn_power(number(decay_rate), as_float(step)), init);
}

tarn_array *tarn_step_decay(tarn_array *step, double init, double decay_rate, int64_t step_size) {
    if (step_size < 1) return tarn_fail("step_decay: a step size of %lld", (long long)step_size), NULL;
    return tarn_multiply_number(
        tarn_power(number(decay_rate), tarn_floor(tarn_multiply_number(as_float(step), 1 / (double)step_size))), init);
}

tarn_array *tarn_cosine_decay(tarn_array *step, double init, int64_t decay_steps, double end) {
    if (decay_steps < 1) return tarn_fail("cosine_decay: %lld steps", (long long)decay_steps), NULL;
    tarn_array *until = tarn_minimum(as_float(step), number((double)decay_steps));
    tarn_array *wave = tarn_add_number(tarn_cos(tarn_multiply_number(until, acos(-1) / (double)decay_steps)), 1);
    return tarn_add_number(tarn_multiply_number(wave, (init - end) / 2), end);
}

tarn_array *tarn_linear_schedule(tarn_array *step, double init, double end, int64_t steps) {
    if (steps < 1) return tarn_fail("linear_schedule: %lld steps", (long long)steps), NULL;
    tarn_array *until = tarn_minimum(as_float(step), number((double)steps));
    return tarn_add_number(tarn_multiply_number(until, (end - init) / (double)steps), init);
}

tarn_array *tarn_join_schedules(tarn_array *step, const tarn_schedule *schedules, const int64_t *boundaries,
                                int count) {
    if (count < 1 || !schedules || (count > 1 && !boundaries))
        return tarn_fail("join_schedules: %d schedules, or a list is NULL", count), NULL;
    tarn_array *rate = schedules[0].rate(schedules[0].context, step), *now = as_float(step);
    for (int i = 1; i < count; i++) {
        tarn_array *from = number((double)boundaries[i - 1]);
        tarn_array *next = schedules[i].rate(schedules[i].context, tarn_subtract(now, from));
        rate = tarn_where(tarn_less(now, from), rate, next);
    }
    return rate;
}
