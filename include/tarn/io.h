/* Arrays in files: safetensors (https://github.com/huggingface/safetensors), the format of model weights, NumPy's, and
   GGUF.

   Loading maps the file: it takes no time and no memory proportional to its size, and the values are read from the disk
   when they are first used. Tensors that are not aligned for their dtype (MLX does not pad its headers, so this happens
   to whole files) are read at once. 8-bit floats are uint8 arrays, as in MLX.

   A file that is shortened or written to while arrays stand on it is an error of the evaluation that reads them;
   docs/design/mapped-files.md says what is guaranteed. Replacing the file (rename, as saving does) disturbs nothing:
   the arrays keep the old one. */
#ifndef TARN_IO_H
#define TARN_IO_H

#include "tarn/array.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- loading */

/* Named arrays, and notes about them. Immutable; any thread may use it. */
typedef struct tarn_tensors tarn_tensors;

/* A file, or a model folder: the files that its model.safetensors.index.json names, or else model.safetensors, or else
   all model*.safetensors. An index that names missing files is passed over if model.safetensors has all of its tensors.
   Every header is checked whole: an error names the file, the tensor and the field. No scope needs to be open. */
TARN_API tarn_tensors *tarn_load_safetensors(const char *path);
/* Arrays that somebody else keeps stay good. NULL is allowed. */
TARN_API void tarn_tensors_free(tarn_tensors *tensors);

/* In the order of the files. Names and arrays are lent: they live as long as `tensors`; tarn_keep() an array to have it
   longer, and do not tarn_move() it. NULL for an index or a name that does not exist, without an error; NULL with an
   error for a tensor whose dtype no array has (F8_E5M2, F4, F6_…), so that the others of its file can be used. */
TARN_API int64_t tarn_tensors_count(const tarn_tensors *tensors);
TARN_API const char *tarn_tensors_name(const tarn_tensors *tensors, int64_t index);
TARN_API tarn_array *tarn_tensors_at(const tarn_tensors *tensors, int64_t index);
TARN_API tarn_array *tarn_tensors_get(const tarn_tensors *tensors, const char *name);

/* The __metadata__ of the (first) file: pairs of strings. Of other notes tarn_tensors_metadata_at gives none. */
TARN_API int64_t tarn_tensors_metadata_count(const tarn_tensors *tensors);
TARN_API bool tarn_tensors_metadata_at(const tarn_tensors *tensors, int64_t index, const char **key,
                                       const char **value);
TARN_API const char *tarn_tensors_metadata(const tarn_tensors *tensors, const char *key); /* NULL if there is none */

/* A note of any kind: the one of text, array (numbers, 0-d or 1-d) and texts that is not NULL. Lent like names. False
   for an index that does not exist. */
typedef struct {
    const char *key, *text;
    tarn_array *array;
    const char *const *texts; /* [count], and NULL */
    int64_t count;
} tarn_note;
TARN_API bool tarn_tensors_note(const tarn_tensors *tensors, int64_t index, tarn_note *note);

/* NumPy's files (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), versions 1 to 3: mapped like
   safetensors where the bytes are in this machine's order; bfloat16 is V2 there, as in MLX. An npz is a zip of them, of
   which compressed ones are read at once; names are those of the files without ".npy". */
TARN_API tarn_array *tarn_load_npy(const char *path);
TARN_API tarn_tensors *tarn_load_npz(const char *path);

/* GGUF files, with their metadata as notes. Plain numbers are mapped. Blocks of Q4_0, Q4_1 and Q8_0 become weights
   packed in MLX's affine mode with groups of 32, "x.weight" with "x.scales" and "x.biases"; those of other formats
   float16. */
typedef struct {
    int begin_;
    bool floats; /* all blocks become float32, to the last bit what the gguf package makes of them */
    int end_;
} tarn_gguf_options;
#define tarn_load_gguf(...) TARN_CALL(1, tarn_load_gguf_with, tarn_gguf_options, __VA_ARGS__)
TARN_API tarn_tensors *tarn_load_gguf_with(const char *path, tarn_gguf_options options TARN_ABSENT);

/* ---- saving */

TARN_API bool tarn_save_npy(const char *path, tarn_array *array);

typedef struct {
    const char *name; /* UTF-8 */
    tarn_array *array;
} tarn_named_array;

typedef struct {
    const char *key, *value; /* UTF-8 */
} tarn_pair;

typedef struct {
    int begin_;
    const tarn_pair *metadata; /* for example {"format", "mlx"} */
    int64_t metadata_count;
    int64_t shard_bytes; /* folders only: where to cut; 0: 5 GiB */
    int64_t parameters;  /* folders only: noted in the index; 0: not */
    int end_;
} tarn_save_options;

/* Evaluates the arrays, one after the other, and writes them: tarn_save_safetensors("x.safetensors", arrays, 2,
   .metadata = m, .metadata_count = 1). The file is there whole, synced to disk, or not at all, and an older one under
   this name is lost only once the new one is whole; arrays that stand on the older file may be saved over it. */
#define tarn_save_safetensors(...) TARN_CALL(3, tarn_save_safetensors_with, tarn_save_options, __VA_ARGS__)
TARN_API bool tarn_save_safetensors_with(const char *path, const tarn_named_array *arrays, int64_t count,
                                         tarn_save_options options TARN_ABSENT);

typedef struct {
    int begin_;
    bool compressed;
    int end_;
} tarn_npz_options;
/* As numpy.savez, or savez_compressed. Written whole or not at all, as above. */
#define tarn_save_npz(...) TARN_CALL(3, tarn_save_npz_with, tarn_npz_options, __VA_ARGS__)
TARN_API bool tarn_save_npz_with(const char *path, const tarn_named_array *arrays, int64_t count,
                                 tarn_npz_options options TARN_ABSENT);

typedef struct {
    int begin_;
    const tarn_note *notes; /* arrays of numbers, 0-d or 1-d */
    int64_t note_count;
    int end_;
} tarn_gguf_save_options;
/* Plain numbers only: floats, and signed integers. */
#define tarn_save_gguf(...) TARN_CALL(3, tarn_save_gguf_with, tarn_gguf_save_options, __VA_ARGS__)
TARN_API bool tarn_save_gguf_with(const char *path, const tarn_named_array *arrays, int64_t count,
                                  tarn_gguf_save_options options TARN_ABSENT);

/* The weights of a model folder as mlx-lm lays them out: model.safetensors, or model-00001-of-0000N.safetensors cut in
   the order given, and model.safetensors.index.json. All are written before the first gets its name. A folder with
   other model*.safetensors is refused. */
#define tarn_save_weights(...) TARN_CALL(3, tarn_save_weights_with, tarn_save_options, __VA_ARGS__)
TARN_API bool tarn_save_weights_with(const char *folder, const tarn_named_array *arrays, int64_t count,
                                     tarn_save_options options TARN_ABSENT);

#ifdef __cplusplus
}
#endif
#endif
