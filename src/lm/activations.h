/* The functions that hidden_act names. */
#ifndef LM_ACTIVATIONS_H
#define LM_ACTIVATIONS_H

#include "tarn/ops.h"

typedef struct activation {
    const char *name; /* as in config.json */
    tarn_array *(*apply)(tarn_array *x);
} activation;

const activation *activation_find(const char *name); /* NULL: none of this name */
const char *activation_names(void);                  /* comma separated */

#endif
