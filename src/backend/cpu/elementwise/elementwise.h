/* What one instruction set brings to the block interpreter: loops over blocks of register values. A register holds
   elements of the compute type of its dtype; counts are multiples of ELEMENTWISE_STEP, because whole vectors are read
   and written. */
#ifndef CPU_ELEMENTWISE_H
#define CPU_ELEMENTWISE_H

#include "backend/call.h"
#include "cpu/elementwise/pairs.h"
#include "table/table.h"

enum { ELEMENTWISE_STEP = 16 };

/* Types of register values. Truths are 0 or 1 in TYPE_I32. */
typedef enum { TYPE_I32, TYPE_U32, TYPE_I64, TYPE_U64, TYPE_F32, TYPE_F64, TYPE_C64, TYPE_COUNT } compute_type;

/* Expansions of the table: one for each compute type, and one for the rows' BOOL values. */
typedef enum {
    PASS_I32,
    PASS_U32,
    PASS_I64,
    PASS_U64,
    PASS_F32,
    PASS_F64,
    PASS_C64,
    PASS_BOOL,
    PASS_COUNT
} elementwise_pass;

/* result[i] = op(x[i], y[i], z[i]); what the op has no use for may be NULL. Of an op with a truth the first input is
   TYPE_I32. The result may be the memory of an argument of the same width. still: bit k says that argument k has
   ELEMENTWISE_STEP equal elements, which stand for all. ahead: so many bytes from there on as the loop reads of x are
   fetched meanwhile, a vector at a time; whoever wants none names the result, which costs next to nothing. */
typedef void (*elementwise_loop)(void *result, const void *x, const void *y, const void *z, int64_t count,
                                 unsigned still, const void *ahead);
/* Register values from an array of the dtype, `stride` elements apart; any count. */
typedef void (*elementwise_load)(void *to, const void *from, int64_t stride, int64_t count);
/* Into a dense array of the dtype, rounding; any count. */
typedef void (*elementwise_store)(void *to, const void *from, int64_t count);
/* Values of one compute type as values of a dtype, rounded to it. */
typedef void (*elementwise_convert)(void *to, const void *from, int64_t count);

/* result[i] = op(x[i], y[i]) of elements as arrays have them; any count. */
typedef void (*elementwise_narrow_loop)(void *result, const void *x, const void *y, int64_t count);

typedef struct {
    const elementwise_loop *ops[PASS_COUNT];                   /* [OP_COUNT]; NULL where the row has no such value */
    const elementwise_loop (*pairs[PASS_COUNT])[SECOND_COUNT]; /* [FIRST_COUNT]; NULL: the pass has none */
    const elementwise_narrow_loop *narrow[TARN_DTYPE_COUNT];   /* [OP_COUNT], of the arguments' dtype; NULL: none */
    elementwise_load loads[TARN_DTYPE_COUNT];
    elementwise_store stores[TARN_DTYPE_COUNT];
    elementwise_convert converts[TYPE_COUNT][TARN_DTYPE_COUNT];
    /* Copies bytes, a multiple of 64, to an address that is one: past the caches, where the machine can. What follows
       `fence` in any thread sees them. */
    void (*stream)(void *to, const void *from, int64_t bytes);
    void (*fence)(void);
} elementwise_kernels;

extern const elementwise_kernels elementwise_kernels_baseline, elementwise_kernels_avx2, elementwise_kernels_avx512;

/* These run a group, or false: it is something else. narrow.c: one operation on narrow integers. small.c: few elements,
   which lie side by side or are the same for all. */
bool elementwise_run_narrow(const call *c, const elementwise_kernels *kernels);
bool elementwise_run_small(const call *c, const elementwise_kernels *kernels);

static inline compute_type compute_type_of(tarn_dtype dtype) {
    static const uint8_t types[TARN_DTYPE_COUNT] = {
        [TARN_UINT32] = TYPE_U32,   [TARN_UINT64] = TYPE_U64,  [TARN_INT64] = TYPE_I64,   [TARN_FLOAT16] = TYPE_F32,
        [TARN_BFLOAT16] = TYPE_F32, [TARN_FLOAT32] = TYPE_F32, [TARN_FLOAT64] = TYPE_F64, [TARN_COMPLEX64] = TYPE_C64,
    };
    return (compute_type)types[dtype];
}

static inline elementwise_pass pass_of(tarn_dtype dtype) {
    return dtype == TARN_BOOL ? PASS_BOOL : (elementwise_pass)compute_type_of(dtype);
}

static inline int compute_type_bytes(compute_type type) {
    return type == TYPE_I32 || type == TYPE_U32 || type == TYPE_F32 ? 4 : 8;
}

/* Whether memory of the dtype holds register values. */
static inline bool elementwise_is_raw(tarn_dtype dtype) {
    return compute_type_bytes(compute_type_of(dtype)) == dtype_bytes(dtype);
}

/* What computes an instruction; NULL: it is a conversion. */
static inline elementwise_loop elementwise_loop_of(const group_instruction *in, const elementwise_kernels *kernels) {
    return in->op == OP_astype ? NULL : kernels->ops[pass_of((tarn_dtype)in->input_dtype)][in->op];
}

/* And then rounds the result to its dtype, or converts to it; NULL: it is as it should be. */
static inline elementwise_convert elementwise_convert_of(const group_instruction *in,
                                                         const elementwise_kernels *kernels) {
    tarn_dtype dtype = (tarn_dtype)in->dtype;
    if (in->op == OP_astype) return kernels->converts[compute_type_of((tarn_dtype)in->input_dtype)][dtype];
    return elementwise_is_raw(dtype) || dtype == TARN_BOOL ? NULL : kernels->converts[compute_type_of(dtype)][dtype];
}

/* One element for all. */
static inline bool operand_is_still(const operand *o) {
    for (int i = 0; i < o->ndim; i++)
        if (o->shape[i] != 1 && o->strides[i] != 0) return false;
    return true;
}

#endif
