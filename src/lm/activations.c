/* Activations by the names of Hugging Face transformers. */
#include "lm/activations.h"

#include <string.h>

static tarn_array *like(double value, tarn_array *x) {
    return tarn_scalar_like(value, x);
}

static tarn_array *relu(tarn_array *x) {
    return tarn_maximum(x, like(0, x));
}

/* x Φ(x): Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415 */
static tarn_array *gelu(tarn_array *x) {
    tarn_array *e = tarn_erf(tarn_multiply(x, like(0.70710678118654752, x)));
    return tarn_multiply(tarn_multiply(x, like(0.5, x)), tarn_add(e, like(1, x)));
}

/* The same by the approximation of that paper: x / 2 (1 + tanh(√(2/π) (x + 0.044715 x³))). */
static tarn_array *gelu_tanh(tarn_array *x) {
    tarn_array *cube = tarn_multiply(tarn_multiply(x, x), tarn_multiply(x, like(0.044715, x)));
    tarn_array *t = tarn_tanh(tarn_multiply(tarn_add(x, cube), like(0.79788456080286536, x)));
    return tarn_multiply(tarn_multiply(x, like(0.5, x)), tarn_add(t, like(1, x)));
}

#define ACTIVATIONS                                                                                                    \
    ACTIVATION("silu", tarn_silu)                                                                                      \
    ACTIVATION("swish", tarn_silu)                                                                                     \
    ACTIVATION("relu", relu)                                                                                           \
    ACTIVATION("gelu", gelu)                                                                                           \
    ACTIVATION("gelu_new", gelu_tanh)                                                                                  \
    ACTIVATION("gelu_pytorch_tanh", gelu_tanh)

static const activation activations[] = {
#define ACTIVATION(name, apply) {name, apply},
    ACTIVATIONS
#undef ACTIVATION
};

const activation *activation_find(const char *name) {
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (!strcmp(name, activations[i].name)) return &activations[i];
    return NULL;
}

const char *activation_names(void) {
#define ACTIVATION(name, apply) ", " name
    return (ACTIVATIONS) + 2;
#undef ACTIVATION
}
