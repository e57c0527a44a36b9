/* Parameters from within: optim and the trainer hold their members, too. */
#ifndef NN_PARAMETERS_H
#define NN_PARAMETERS_H

#include "base/vector.h"
#include "nn/nn.h"

typedef struct {
    char *path;
    tarn_array **array;
} member;

struct tarn_parameters {
    VECTOR(member) members;
};

/* Whether there is an array for each parameter, of its shape. */
bool parameters_check(const tarn_parameters *p, const char *what, tarn_array *const *arrays, int count);
/* Puts arrays in the places of the members, kept, and gives what was there for members_return, which drops whatever is
   there then. NULL without memory, with nothing done. */
tarn_array **members_lend(const tarn_parameters *p, tarn_array *const *arrays);
void members_return(const tarn_parameters *p, tarn_array **saved);

#endif
