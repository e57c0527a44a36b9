/* What a kernel receives: never a graph node. A call lives until it has run; evaluation and plans make the same calls.
 */
#ifndef BACKEND_CALL_H
#define BACKEND_CALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "table/strides.h"
#include "table/table.h"

/* One input or output. data is NULL for an absent optional input and for an output nobody reads. Strides are in
   elements; shape and strides have ndim entries. Only element alignment may be assumed. */
typedef struct {
    void *data;
    tarn_dtype dtype;
    int ndim;
    const int64_t *shape, *strides;
} operand;

/* A fused group of elementwise ops. Values are numbered: 0 .. inputs-1 are the call's inputs (loaded), then one for
   each instruction. All inputs and outputs of the call have the same shape; a broadcast input has strides of 0. Every
   value is rounded to its dtype. */
typedef struct {
    uint16_t op;           /* an elementwise op, or OP_astype: a conversion from the argument's dtype to this one */
    uint16_t result;       /* register that receives the value */
    uint16_t arguments[3]; /* registers */
    uint8_t input_dtype;   /* dtype of the arguments (of `where`: of the second and third; the first is bool) */
    uint8_t dtype;         /* dtype of the value */
} group_instruction;

typedef struct {
    int input_count, output_count, instruction_count, register_count;
    const uint16_t *input_registers;  /* [input_count]: where each input is loaded, before the first instruction */
    const uint16_t *output_registers; /* [output_count]: read after the last instruction */
    const group_instruction *instructions;
} group_program;

enum { GROUP_MAX_INPUTS = 24, GROUP_MAX_REGISTERS = 48 };

typedef struct kernel_row kernel_row;

typedef struct call {
    op_id op;
    unsigned last_reads; /* bits of inputs that nobody reads after this call (of the first 32; 0: perhaps somebody): a
                            kernel that makes them, too, need not write them */
    const void *attributes;
    int input_count, output_count;
    operand *inputs, *outputs;
    const group_program *program; /* of OP_group */
    void *workspace;              /* workspace bytes as the row asked, aligned to 64 */
    const kernel_row *row;
    void *prepared; /* what the row's `prepare` made */
} call;

/* What the kernel wants of its inputs' strides; copies are made where they are not so. Outputs are always dense
   (docs/design/tables.md says what an out_layout would be). */
typedef enum {
    LAYOUT_DENSE,  /* row-major, no gaps */
    LAYOUT_ROWS,   /* last axis dense */
    LAYOUT_MATRIX, /* one of the last two axes dense */
    LAYOUT_ANY
} kernel_layout;

#define DTYPE_BIT(dtype) (1u << (dtype))
#define DTYPES_FLOAT                                                                                                   \
    (DTYPE_BIT(TARN_FLOAT16) | DTYPE_BIT(TARN_BFLOAT16) | DTYPE_BIT(TARN_FLOAT32) | DTYPE_BIT(TARN_FLOAT64))
#define DTYPES_ALL ((1u << TARN_DTYPE_COUNT) - 1)

/* One cell of the kernel table: an op, the dtypes it serves, and how. The first row that fits serves a call. */
struct kernel_row {
    op_id op;
    const char *name; /* "softmax_avx512", for people */
    unsigned dtypes;  /* DTYPE_BITs */
    int selector;     /* the operand whose dtype must be among them: input i, or -1 - o for output o */
    kernel_layout layout;
    unsigned any_layout;    /* bits of inputs that are taken with any strides, whatever `layout` says */
    unsigned any_address;   /* bits of inputs that need not be aligned for their dtype (mapped files): others are copied
                               first */
    unsigned may_overwrite; /* bits of inputs whose memory output 0 may take if shape, dtype size and strides agree */
    bool (*supports)(const call *c);     /* NULL: all. Looks at attributes, dtypes, shapes and strides, never at data */
    int64_t (*workspace)(const call *c); /* bytes; NULL: none */
    /* Once, while planning, outside every lock: compiles or loads what `run` needs (call.prepared), which lives as long
       as the process. Sees what `supports` sees. NULL: nothing is needed. False with the error set: the call cannot
       run. What depends on where memory lies `run` may still have to compile, once for each of the few ways. */
    bool (*prepare)(const call *c, void **prepared);
    bool (*run)(const call *c); /* false: the error of this thread says why */
};

static inline int64_t operand_size(const operand *o) {
    int64_t size = 1;
    for (int i = 0; i < o->ndim; i++) size *= o->shape[i];
    return size;
}

static inline bool operand_is_dense(const operand *o) {
    return strides_are_dense(o->ndim, o->shape, o->strides);
}

#endif
