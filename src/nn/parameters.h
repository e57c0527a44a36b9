/* Parameters from within: optim and the trainer hold their members, too. */
#ifndef NN_PARAMETERS_H
#define NN_PARAMETERS_H

#include "base/vector.h"
#include "nn/nn.h"
#include "tarn/io.h"

typedef struct {
    char *path;
    tarn_array **array;
} member;

struct tarn_parameters {
    VECTOR(member) members;
};

/* A further member, at the prefix and its own path. */
bool members_add(tarn_parameters *p, const char *prefix, const tarn_leaf *leaf);
void members_clear(tarn_parameters *p);
/* As tarn_tree_save and tarn_tree_load. */
bool members_save(const tarn_parameters *p, const char *path, const tarn_pair *metadata, int64_t metadata_count);
bool members_load(const tarn_parameters *p, const char *path, bool lax);

/* Puts arrays in the places of the members, kept, and gives what was there for members_return, which drops whatever is
   there then. NULL without memory, with nothing done. */
tarn_array **members_lend(const tarn_parameters *p, tarn_array *const *arrays);
void members_return(const tarn_parameters *p, tarn_array **saved);

#endif
