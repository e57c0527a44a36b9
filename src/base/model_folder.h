/* What is in a model folder, and what a user meant by a path that is none. */
#ifndef BASE_MODEL_FOLDER_H
#define BASE_MODEL_FOLDER_H

#include <stdbool.h>

/* Whether there are files that may hold weights: model*.safetensors, or their index. */
bool model_folder_has_weights(const char *folder);
/* Sets the error that says why `folder` has no `file` and what would serve instead; returns false. */
bool model_folder_lacks(const char *folder, const char *file);

#endif
