/* Walking trees, for what needs more than their arrays. */
#ifndef NN_TREE_H
#define NN_TREE_H

#include "nn/nn.h"

/* A struct in the tree, the outermost with the path "". */
typedef bool (*layer_visitor)(void *context, const char *path, const tarn_fields *fields, void *layer);
bool tree_visit_layers(tarn_tree tree, layer_visitor visit, void *context);

#endif
