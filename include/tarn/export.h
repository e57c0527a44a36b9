/* Functions in files. A function is traced with example arrays; what it computes is written as a graph, with the arrays
   that it captured, and runs wherever the file is read. Python's functions run in C programs, and the other way round.

       tarn_export_function("scale.tarn", TARN_FUNCTION(scale, NULL), &x, 1);

       tarn_imported_function *scale = tarn_import_function("scale.tarn");
       tarn_array *y = tarn_results_at(tarn_imported_call(scale, &x, 1), 0);

   A file holds a signature for each time the function was traced: how many arrays it takes, their names, dtypes and
   shapes. What depends on a value or a shape (an `if`, a loop) is in the file as it went for that signature's arrays.
   Files are safetensors files; docs/design/export.md says what is in them. They are checked as input that nobody
   trusts.
 */
#ifndef TARN_EXPORT_H
#define TARN_EXPORT_H

#include "tarn/transform.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- writing */

typedef struct {
    int begin_;
    bool shapeless;           /* axes may have other sizes than those of the arrays given here */
    const char *metadata;     /* UTF-8 that is kept with the function; NULL: none */
    const char *const *names; /* of the last name_count inputs, which are then found by name, in any order */
    int name_count;
    int end_;
} tarn_export_options;
/* shapeless: an axis may have any size if what the function does is the same for other sizes. A function that asks for
   sizes, or uses transforms, is called a few times more, with other ones, to find out; an axis whose size gets into
   the graph, or for which the function takes no other, keeps it. Sizes that must agree with each other should be
   alike in the example, and others different. */
/* Traces the function for arrays like these, of which only dtype and shape matter, and writes the file: whole, or not
   at all. Arrays that the function captured are evaluated and are in the file as they are now. Of custom functions the
   file has what they compute, not their rules. */
#define tarn_export_function(...) TARN_CALL(4, tarn_export_function_with, tarn_export_options, __VA_ARGS__)
TARN_API bool tarn_export_function_with(const char *path, tarn_function function, tarn_array *const *inputs, int count,
                                        tarn_export_options options TARN_ABSENT);

/* Several signatures in one file: each trace is one more, and closing writes the file. Captured arrays that several
   signatures share are there once. */
typedef struct tarn_exporter tarn_exporter;
typedef struct {
    int begin_;
    bool shapeless;
    const char *metadata;
    int end_;
} tarn_exporter_options;
#define tarn_exporter_new(...) TARN_CALL(2, tarn_exporter_new_with, tarn_exporter_options, __VA_ARGS__)
TARN_API tarn_exporter *tarn_exporter_new_with(const char *path, tarn_function function,
                                               tarn_exporter_options options TARN_ABSENT);
typedef struct {
    int begin_;
    const char *const *names; /* of the last name_count inputs */
    int name_count;
    int end_;
} tarn_names_options;
/* An error if the exporter is closed or has a signature that takes the same arrays. */
#define tarn_exporter_trace(...) TARN_CALL(3, tarn_exporter_trace_with, tarn_names_options, __VA_ARGS__)
TARN_API bool tarn_exporter_trace_with(tarn_exporter *exporter, tarn_array *const *inputs, int count,
                                       tarn_names_options options TARN_ABSENT);
TARN_API bool tarn_exporter_close(tarn_exporter *exporter); /* once it is closed this does nothing */
TARN_API void tarn_exporter_free(tarn_exporter *exporter);  /* without closing: no file is written */

/* ---- reading */

/* Immutable; any thread may use it. No scope needs to be open to import; captured arrays are mapped, as by
   tarn_load_safetensors. Errors name the file and what is wrong in it: an operation or attribute that this version does
   not know, a value that is read before it is made, results of other shapes than the file says. */
typedef struct tarn_imported_function tarn_imported_function;
TARN_API tarn_imported_function *tarn_import_function(const char *path);
TARN_API void tarn_imported_free(tarn_imported_function *imported); /* results stay good */

/* What the function gives, in ordinary operations on the current stream: it can be differentiated, batched and
   compiled. If no signature takes the arrays, the error lists those that there are. */
#define tarn_imported_call(...) TARN_CALL(3, tarn_imported_call_with, tarn_names_options, __VA_ARGS__)
TARN_API tarn_results *tarn_imported_call_with(tarn_imported_function *imported, tarn_array *const *inputs, int count,
                                               tarn_names_options options TARN_ABSENT);
/* The same for transforms: tarn_grad(tarn_imported_as_function(f), &x, 1). All inputs are positional. */
TARN_API tarn_function tarn_imported_as_function(tarn_imported_function *imported);

/* The text that was given with the function; "" if there was none. */
TARN_API const char *tarn_imported_metadata(const tarn_imported_function *imported);

/* One array of a signature. */
typedef struct {
    const char *name; /* NULL: by its place */
    tarn_dtype dtype;
    tarn_ints shape; /* -1: any size. Of results: what they are for the example */
} tarn_parameter;
typedef struct {
    int input_count, output_count;
    const tarn_parameter *inputs, *outputs;
} tarn_signature;
/* Signatures in the order in which they were traced, lent; NULL, without an error, for an index that there is not. */
TARN_API int tarn_imported_count(const tarn_imported_function *imported);
TARN_API const tarn_signature *tarn_imported_signature(const tarn_imported_function *imported, int index);

/* ---- looking at a graph, part by part: for converters to other formats */

typedef enum {
    TARN_ATTRIBUTE_INTEGER,
    TARN_ATTRIBUTE_REAL, /* NAN: absent */
    TARN_ATTRIBUTE_BOOLEAN,
    TARN_ATTRIBUTE_DTYPE,
    TARN_ATTRIBUTE_NAME, /* a word */
    TARN_ATTRIBUTE_INTS, /* values NULL: absent */
    TARN_ATTRIBUTE_REALS
} tarn_attribute_type;
typedef struct {
    const char *name;
    tarn_attribute_type type;
    int64_t integer; /* or 0 and 1, or the dtype */
    double real;
    const char *word;
    tarn_ints ints;
    const double *reals; /* [count] */
    int64_t count;
} tarn_attribute;

/* An array of the graph. Its number tells it from the others. */
typedef struct {
    int64_t number; /* -1: an optional input that is absent */
    tarn_dtype dtype;
    tarn_ints shape;
    const char *name;  /* of a named input */
    tarn_array *array; /* of a captured one: lent */
} tarn_graph_value;

typedef enum { TARN_GRAPH_INPUTS, TARN_GRAPH_OUTPUTS, TARN_GRAPH_CAPTURED, TARN_GRAPH_STEP } tarn_graph_kind;
typedef struct {
    tarn_graph_kind kind;
    const char *op; /* of a step: a row of the tables, "add" */
    int input_count, output_count, attribute_count;
    const tarn_graph_value *inputs, *outputs; /* of a step; inputs and captured arrays are outputs, results inputs */
    const tarn_attribute *attributes;
} tarn_graph_part;

/* Traces the function as tarn_export_function does, and shows its inputs, its results, what it captured, and then each
   step, inputs before their readers. Parts are lent for the call. False, with the error set, if `visit` says so. */
typedef bool (*tarn_graph_visitor)(void *context, const tarn_graph_part *part);
#define tarn_visit_graph(...) TARN_CALL(5, tarn_visit_graph_with, tarn_names_options, __VA_ARGS__)
TARN_API bool tarn_visit_graph_with(tarn_function function, tarn_array *const *inputs, int count,
                                    tarn_graph_visitor visit, void *context, tarn_names_options options TARN_ABSENT);

#ifdef __cplusplus
}
#endif
#endif
