/* The safetensors file format: files checked whole before use, model folders of several files, and writing. No arrays
   here: that is load.c and save.c. Format: https://github.com/huggingface/safetensors (8 bytes header length, JSON
   header, data without gaps). */
#ifndef IO_SAFETENSORS_H
#define IO_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/files.h"
#include "base/json.h"
#include "base/map.h"
#include "tarn/array.h"

/* ---- reading */

typedef struct {
    const char *name;        /* lives as long as its file */
    tarn_dtype dtype;        /* F8_E4M3 and F8_E8M0 are uint8, as in MLX */
    const char *unsupported; /* the file's name of a dtype that no array can have; else NULL */
    int ndim;
    int64_t shape[TARN_MAX_NDIM];
    int64_t offset, bytes; /* in the whole file */
} safetensors_entry;

typedef struct {
    char *path;
    file_mapping *file; /* NULL if parsed from memory */
    const char *bytes;  /* the whole file */
    size_t length;
    json *header;
    const json *metadata; /* an object of strings, or NULL */
    safetensors_entry *entries;
    size_t count;
    map *names; /* name -> index of entry */
} safetensors;

/* Maps a file and checks its whole header: after this every entry lies in the file, and the entries cover the data
 * exactly once. */
safetensors *safetensors_open(const char *path);
/* The same over bytes that outlive the result; `name` is what messages call them. */
safetensors *safetensors_parse(const char *bytes, size_t length, const char *name);
void safetensors_close(safetensors *file);
const safetensors_entry *safetensors_find(const safetensors *file, const char *name);

/* The weights of a model folder. */
typedef struct {
    safetensors **items;
    size_t count, capacity;
} safetensors_folder;

/* Opens the shards that model.safetensors.index.json names, or else model.safetensors, or else all model*.safetensors
   in order of their names. A shard that is missing, a tensor that is not where the index says, or one that two shards
   hold, is an error. */
bool safetensors_open_folder(const char *path, safetensors_folder *folder);
void safetensors_close_folder(safetensors_folder *folder);

/* ---- writing */

typedef struct {
    const char *name;
    tarn_dtype dtype;
    tarn_ints shape;
} safetensors_item;

typedef struct {
    const char *key, *value;
} safetensors_pair;

/* The dense bytes of item `index`, valid until the next call; NULL with the error set stops the writing. So a model can
   be computed one tensor at a time. Not asked for empty items; the order is that of the file, not that of the items. */
typedef const void *(*safetensors_source)(void *context, size_t index);

typedef struct {
    const safetensors_item *items;
    size_t count;
    const safetensors_pair *metadata;
    size_t metadata_count;
    safetensors_source data;
    bool (*good)(void *context); /* asked when everything is written and before it gets its name: were all the bytes
                                    right? May be NULL */
    void *context;
} safetensors_content;

/* Writes path.partial-…, syncs and renames: `path` holds the old file or the whole new one. The data may lie in the old
 * file. */
bool safetensors_write(const char *path, const safetensors_content *content);

/* Writes model.safetensors or, cut before `shard_bytes` (0: 5 GiB, as mlx-lm) are exceeded,
   model-00001-of-0000N.safetensors, and the index. All files are written before the first is renamed, the index last. A
   folder that holds other model*.safetensors is refused. Parameters are noted in the index unless 0. */
bool safetensors_write_folder(const char *folder, const safetensors_content *content, int64_t shard_bytes,
                              int64_t parameters);

/* ---- for the parts of io */

/* What a file calls a dtype, and its bytes; NULL if it has no word for it. */
const char *safetensors_dtype_name(tarn_dtype dtype, int64_t *bytes);
/* The names of all such files in a folder, sorted. */
typedef struct {
    char **items;
    size_t count, capacity;
} safetensors_names;
bool safetensors_list_folder(const char *path, safetensors_names *names);
void safetensors_free_names(safetensors_names *names);
/* Writes one file, not yet renamed. */
file_writer *safetensors_write_uncommitted(const char *path, const safetensors_content *content);

#endif
