/* Exported functions, shared by the files of this folder: signature.c says what a function takes, exporter.c traces,
   sizes.c finds out which sizes matter, write.c and read.c put functions into files and take them out
   (docs/design/export.md has the format), attributes.c does so for the attributes of a step, imported.c calls, visit.c
   shows a graph to somebody else. */
#ifndef EXPORT_FUNCTION_FILE_H
#define EXPORT_FUNCTION_FILE_H

#include "base/json.h"
#include "ops/recording.h"
#include "tarn/export.h"

/* ---- signature.c */

typedef struct {
    recording graph;
    VECTOR(char *) names;  /* of the last inputs */
    VECTOR(uint32_t) free; /* for each input a bit for each axis that may have any size */
} signature;

/* Arrays as they are given to a function. */
typedef struct {
    tarn_array *const *inputs;
    int count;
    tarn_names_options names;
} arguments;

/* Whether there are so many arrays and names, each of them once. `what` begins messages. */
bool arguments_check(const char *what, const arguments *a);
bool signature_set_names(signature *s, const arguments *a);
void signature_free(signature *s);
/* The name of an input, or NULL if it goes by its place. */
const char *signature_name(const signature *s, int input);
/* Whether s takes the arrays; then they are put in its order. */
bool signature_takes(const signature *s, const arguments *a, tarn_array **ordered);

/* ---- a file */

typedef struct {
    char *path, *metadata;
    VECTOR(signature) signatures;
} function_file;

bool function_file_init(function_file *f, const char *path, const char *metadata);
void function_file_free(function_file *f);
/* Fails with what was given and what the file has. */
bool function_file_fail(const function_file *f, const arguments *a);

/* exporter.c: runs the function for arrays like these and records what it does. holds_sizes (NULL is allowed): whether
   it asked for sizes, or uses transforms, which do. */
bool signature_trace(signature *s, const char *what, tarn_function function, const arguments *a, bool *holds_sizes);

/* sizes.c: after signature_trace, which axes may have any size: all of them if it holds none. */
bool signature_free_sizes(signature *s, tarn_function function, const arguments *a, bool holds_sizes);

/* write.c */
bool function_file_write(const function_file *f);

/* read.c: the graph of a file, JSON, over the captured arrays. */
bool function_file_read(function_file *f, const char *graph, size_t length, tarn_array *const *captured, size_t count);
/* What files say of themselves. */
#define FILE_FORMAT      "tarn.function"
#define FILE_VERSION     "1"
#define FILE_TENSOR_NAME "captured.%zu"
enum { FILE_CHECKSUM = 17 }; /* 16 digits and the end */
void file_checksum(const char *graph, const char *metadata, char digits[FILE_CHECKSUM]);

/* attributes.c: as an object, a member for each attribute. */
bool attributes_write(op_id op, const void *attributes, text *out);
/* A copy for attributes_free, NULL if the op has none or on failure. `where` begins messages. */
void *attributes_read(op_id op, const json *from, const char *where, bool *ok);
/* An attribute that holds an object of this process: its op cannot be in a file. */
bool attributes_have_object(op_id op);

#endif
