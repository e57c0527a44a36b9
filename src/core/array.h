/* Nodes and arrays. A node is one application of an op; an array is one output of a node and lives inside it. */
#ifndef CORE_ARRAY_H
#define CORE_ARRAY_H

#include <stdatomic.h>
#include <string.h>

#include "core/buffer.h"
#include "table/strides.h"
#include "table/table.h"

typedef struct node node;

/* Whether an array was moved, and an operation has taken it since. */
enum array_moved { NOT_MOVED, MOVED_UNREAD, MOVED_AND_READ };

struct tarn_array {
    node *node;
    int index; /* which output of the node */
    tarn_dtype dtype;
    int ndim;
    int64_t shape[TARN_MAX_NDIM];

    /* The value: elements at buffer[offset + sum(index[i] * strides[i])]. Changed only under the schedule lock. */
    buffer *buffer; /* NULL until computed, and after its memory was released or given away */
    int64_t offset, strides[TARN_MAX_NDIM];
    /* What a reader in host memory was given, dense, where the value itself is not: it stays as it is, for kernels add
       up strided numbers in another order than dense ones. */
    buffer *dense;
    int64_t dense_offset;
    bool was_computed; /* has had a value: computing it again is counted */
    bool given_away;   /* its memory was donated: it cannot be computed again if it is a leaf */

    atomic_int moved; /* array_moved */

    atomic_int keeps, scopes, readers; /* holders, by kind; all of them are references of the node (array_readers) */
    atomic_size_t scope_place;         /* where the scopes' list that held it last has it: a hint */

    uint64_t epoch; /* a schedule's own notes, under the lock: valid if epoch is its number */
    int note;
};

struct node {
    _Atomic uint64_t references; /* of all kinds, 0 frees the node; in the upper half those that read output 0: most
                                    readers do, and come and go by one locked instruction */
    atomic_int traced;           /* traces that must find the node's inputs again */
    bool forgot_inputs;          /* it has been computed and cannot be again */
    op_id op;
    tarn_stream *stream;
    void *attributes;
    int input_count;
    tarn_array **inputs; /* in the node's block, behind outputs; NULL entries: absent optional inputs */
    union {
        uint64_t epoch;  /* as of arrays */
        node *next_dead; /* once nobody holds it, and nobody schedules it any more */
    };
    int place;         /* in the schedule's order, if it has one there */
    uint64_t sequence; /* of ops with effects: the order in which they were made */
    int output_count;
    tarn_array outputs[];
};

/* A node with `outputs` outputs whose dtypes and shapes the caller fills in; attributes are copied; takes a reader's
   hold on each input. References: one, the caller's. NULL on failure. */
node *node_new(op_id op, int outputs, int input_count, tarn_array *const *inputs, const void *attributes,
               tarn_stream *stream);
static inline void node_retain(node *n) {
    atomic_fetch_add(&n->references, 1);
}
void node_release(node *n); /* frees without recursion what nobody holds any more */
/* A hold as a reader in the graph has it: tarn_move gives up the others. NULL is passed over. */
void array_begin_reading(tarn_array *a);
void array_end_reading(tarn_array *a);
/* Gives up the inputs of a node whose held outputs all have values, unless it is traced. */
void node_forget_inputs(node *n);
int64_t node_alive_count(void);

enum { READERS_SHIFT = 32 };
static inline int node_references(const node *n) {
    return (int)(uint32_t)atomic_load(&n->references);
}
static inline int array_readers(const tarn_array *a) {
    return a->index == 0 ? (int)(atomic_load(&a->node->references) >> READERS_SHIFT) : atomic_load(&a->readers);
}

/* Holders take a new hold before they give up the old one; scopes are asked twice, because a hold passes from them to
 * keeps and back. */
static inline bool array_is_held(const tarn_array *a) {
    return atomic_load(&a->scopes) || atomic_load(&a->keeps) || atomic_load(&a->scopes) || array_readers(a);
}
static inline int64_t array_size(const tarn_array *a) {
    int64_t size = 1;
    for (int i = 0; i < a->ndim; i++) size *= a->shape[i];
    return size;
}
static inline int64_t array_bytes(const tarn_array *a) {
    return array_size(a) * dtype_bytes(a->dtype);
}
static inline bool array_same_shape(const tarn_array *a, const tarn_array *b) {
    return a->ndim == b->ndim && shapes_equal(a->ndim, a->shape, b->shape);
}
static inline tarn_ints array_shape(const tarn_array *a) {
    return (tarn_ints){a->shape, a->ndim};
}

/* Gives a value to an array (takes over the caller's reference of the buffer), or takes it away with NULL. Under the
 * schedule lock. */
void array_set_value(tarn_array *a, buffer *b, int64_t offset, const int64_t *strides);

/* A leaf array over a buffer (takes over the caller's reference), registered with the innermost scope. */
tarn_array *array_from_buffer(buffer *b, tarn_ints shape, tarn_dtype dtype);
/* A leaf that stands for argument `index` of a function: no value. Registered with the scope. */
tarn_array *array_argument(int index, tarn_ints shape, tarn_dtype dtype, tarn_stream *stream);

/* Appends "float32 [2, 3]". */
void array_describe(const tarn_array *a, text *out);
/* Fails with the formatted words, then ": float32 [2, 3]" and, unless b is NULL, the joiner and the other: returns
 * false. */
bool fail_shapes(const tarn_array *a, const char *joiner, const tarn_array *b, const char *format, ...)
    TARN_PRINTF(4, 5);

#endif
