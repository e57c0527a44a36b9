/* Named arrays over files, whatever the format: what the loaders fill in. */
#ifndef IO_TENSORS_H
#define IO_TENSORS_H

#include "base/files.h"
#include "tarn/io.h"

/* A mapped file that arrays stand on: each holds a reference, the last one closes it. */
typedef struct shared_file shared_file;
/* Takes over the object, which `close` gives up with its mapping; NULL on failure, and then it is the caller's still.
 */
shared_file *shared_file_new(const file_mapping *mapping, void *object, void (*close)(void *object));
void shared_file_release(void *file);
/* An array over bytes of the mapping. */
tarn_array *shared_file_array(shared_file *file, const void *bytes, tarn_ints shape, tarn_dtype dtype);

tarn_tensors *tensors_new(void);
/* Takes over a reference of the file in any case. */
bool tensors_hold(tarn_tensors *t, shared_file *file);
/* The name is copied; the array is kept (NULL: a dtype that no array has, `unsupported`, of a file `path`). */
bool tensors_add(tarn_tensors *t, const char *name, tarn_array *array, const char *unsupported, const char *path);
bool tensors_has_note(const tarn_tensors *t, const char *key);
/* A note: a text, an array or a list of texts, of which the texts are copied. */
bool tensors_note_text(tarn_tensors *t, const char *key, const char *text, size_t length);
bool tensors_note_array(tarn_tensors *t, const char *key, tarn_array *array);
bool tensors_note_texts(tarn_tensors *t, const char *key, const char *const *texts, const size_t *lengths,
                        size_t count);

#endif
