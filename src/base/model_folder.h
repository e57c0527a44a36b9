/* What a user meant by a path that is no model folder. */
#ifndef BASE_MODEL_FOLDER_H
#define BASE_MODEL_FOLDER_H

#include <stdbool.h>

/* Sets the error that says why `folder` has no `file` and what would serve instead; returns false. */
bool model_folder_lacks(const char *folder, const char *file);

#endif
