/* Which calls the CUDA backend runs as one kernel, where joining them would give another result than one by one. The
   rows and launchers are this file's, so that no card is needed; skips where CUDA's headers are not. */
#include <stdio.h>

#include "check.h"

#if __has_include(<cuda_runtime_api.h>)
#include <stdlib.h>

#include "cuda/fuse/attention.c"
#include "cuda/fuse/fuse.c"
#include "cuda/fuse/product.c"

/* ---- what the finders ask, and what they launch */
const kernel_row cuda_rope, cuda_slice_update, cuda_attention, cuda_rms_norm, cuda_quantized_matmul, cuda_matmul_vector;
_Thread_local cudaStream_t cuda_stream_now;
_Thread_local unsigned cuda_constant_inputs;

bool cuda_is_hopper(void) {
    return true;
}
bool cuda_launch(const call *c) {
    (void)c;
    return true;
}
bool cuda_ok(cudaError_t status, const char *what) {
    (void)what;
    return status == cudaSuccess;
}
cudaError_t cudaGetLastError(void) {
    return cudaSuccess;
}
rope_kernel rope_of(const call *c) {
    const operand *x = &c->inputs[0];
    return (rope_kernel){.from = x->data, .batch = x->shape[0], .heads = x->shape[1], .dim = x->shape[3]};
}
attention_kernel attention_of(const call *c) {
    const operand *q = &c->inputs[0], *k = &c->inputs[1];
    return (attention_kernel){.k = k->data,
                              .v = c->inputs[2].data,
                              .batch = q->shape[0],
                              .heads = q->shape[1],
                              .kv_heads = k->shape[1],
                              .rows = q->shape[2],
                              .keys = k->shape[2],
                              .dim = q->shape[3]};
}
bool attention_is_split(const call *c, const attention_kernel *k) {
    (void)c;
    return k->rows <= 8;
}
int launch_cached_attention(const cached_attention_kernel *k, kernel_stream stream) {
    (void)k, (void)stream;
    return 0;
}
void launch_turned_rows(const turned_rows_kernel *k, kernel_stream stream) {
    (void)k, (void)stream;
}
bool packed_rows_behind(const call *calls, int count, const unsigned *constant, int made, int64_t row,
                        packed_rows_kernel *k) {
    (void)calls, (void)count, (void)constant, (void)made, (void)row, (void)k;
    return false;
}
bool launch_packed_rows(const packed_rows_kernel *k, kernel_stream stream) {
    (void)k, (void)stream;
    return true;
}
bool packed_vector_of(const call *c, unsigned constant, packed_vector_kernel *k) {
    (void)c, (void)constant;
    *k = (packed_vector_kernel){0};
    return true;
}
bool dense_vector_of(const call *c, unsigned constant, vector_kernel *k) {
    (void)c, (void)constant, (void)k;
    return false;
}
void launch_packed_vector(const packed_vector_kernel *k, kernel_stream stream) {
    (void)k, (void)stream;
}
void launch_vector(const vector_kernel *k, kernel_stream stream) {
    (void)k, (void)stream;
}
#define JOINS_NOTHING(name)                                                                                            \
    int name(const call *calls, int count, const unsigned *constant) {                                                 \
        (void)calls, (void)count, (void)constant;                                                                      \
        return 0;                                                                                                      \
    }
JOINS_NOTHING(fuse_by_rows)
JOINS_NOTHING(fuse_packed)
JOINS_NOTHING(fuse_rows)
JOINS_NOTHING(fuse_sum)
JOINS_NOTHING(fuse_gate)
JOINS_NOTHING(fuse_long_rows)
JOINS_NOTHING(fuse_picked)

/* ---- arrays that nobody reads or writes: addresses 4 MiB apart */
enum { APART = 1 << 22, AXES = 4 };
typedef struct {
    operand o;
    int64_t shape[AXES], strides[AXES];
} placed;

static placed at_place(int place, int64_t batch, int64_t heads, int64_t rows, int64_t dim) {
    return (placed){.o = {.data = (void *)((uintptr_t)APART * (uintptr_t)(place + 1)), .dtype = TARN_BFLOAT16},
                    .shape = {batch, heads, rows, dim},
                    .strides = {heads * rows * dim, rows * dim, dim, 1}};
}
/* Of this, `offset` elements in. */
static placed part_of(placed whole, int64_t offset, int64_t batch, int64_t heads, int64_t rows, int64_t dim) {
    whole.o.data = (char *)whole.o.data + 2 * offset;
    memcpy(whole.shape, (int64_t[]){batch, heads, rows, dim}, sizeof whole.shape);
    return whole;
}
static operand operand_of(placed *p) {
    operand o = p->o;
    o.ndim = AXES, o.shape = p->shape, o.strides = p->strides;
    return o;
}

/* ---- rope, rope, two writes into a cache, attention of some of the turned queries */
static int joined_attention(placed x, placed turned, placed asked, int64_t kv_heads, int64_t key_dim) {
    const int64_t rows = x.shape[2];
    placed k = at_place(2, 1, kv_heads, rows, key_dim), turned_k = at_place(3, 1, kv_heads, rows, key_dim),
           v = at_place(4, 1, kv_heads, rows, key_dim), keys = at_place(5, 1, kv_heads, 64, key_dim),
           values = at_place(6, 1, kv_heads, 64, key_dim), out = asked;
    out.o.data = at_place(7, 1, 1, 1, 1).o.data;
    const operand offset = {.data = (void *)(uintptr_t)64, .dtype = TARN_INT32};
    operand q = operand_of(&x), q_to = operand_of(&turned), key = operand_of(&k), key_to = operand_of(&turned_k),
            keys_to = operand_of(&keys), values_to = operand_of(&values), result = operand_of(&out);
    operand r0[] = {q, offset, {0}}, r1[] = {key, offset, {0}}, w0[] = {keys_to, key_to, offset},
            w1[] = {values_to, operand_of(&v), offset}, a[] = {operand_of(&asked), keys_to, values_to, {0}, {0}, {0}};
    attributes_rope rope = {.base = 10000, .scale = 1};
    int64_t axis = 2;
    attributes_slice_update write = {.axes = {&axis, 1}};
#define CALL(kind, how, count, from, to)                                                                               \
    {                                                                                                                  \
        .row = &(kind), .attributes = (how), .input_count = (count), .output_count = 1, .inputs = (from),              \
        .outputs = &(to)                                                                                               \
    }
    const call calls[] = {CALL(cuda_rope, &rope, 3, r0, q_to), CALL(cuda_rope, &rope, 3, r1, key_to),
                          CALL(cuda_slice_update, &write, 3, w0, keys_to),
                          CALL(cuda_slice_update, &write, 3, w1, values_to), CALL(cuda_attention, NULL, 6, a, result)};
    return fuse_attention(calls, 5, NULL);
}

static void test_attention(void) {
    placed x = at_place(0, 1, 4, 32, 64), turned = at_place(1, 1, 4, 32, 64);
    placed last = part_of(turned, 31 * 64, 1, 4, 1, 64);
    CHECK(joined_attention(x, turned, turned, 2, 64) == 4);
    CHECK(joined_attention(x, turned, last, 2, 64) == 4);

    /* more rows of a batch, or more dims, than the keys have */
    x = at_place(0, 2, 4, 32, 64), turned = at_place(1, 2, 4, 32, 64);
    placed second = part_of(turned, 4 * 32 * 64, 1, 4, 32, 64);
    CHECK(joined_attention(x, turned, second, 2, 64) == 0);
    x = at_place(0, 1, 4, 32, 128), turned = at_place(1, 1, 4, 32, 128);
    placed half = part_of(turned, 64, 1, 4, 32, 64);
    CHECK(joined_attention(x, turned, half, 2, 64) == 0);

    /* a token; and one of whose queries some would never be turned */
    x = at_place(0, 1, 4, 1, 64), turned = at_place(1, 1, 4, 1, 64);
    CHECK(joined_attention(x, turned, turned, 2, 64) == 5);
    x = at_place(0, 1, 8, 1, 64), turned = at_place(1, 1, 8, 1, 64);
    placed first = part_of(turned, 0, 1, 4, 1, 64);
    CHECK(joined_attention(x, turned, first, 2, 64) == 0);
}

/* ---- h = rms_norm(x), y = W h, and `other` + y to `result` */
static int joined_product(int other, int result) {
    placed x = at_place(0, 1, 1, 1, 512), h = at_place(1, 1, 1, 1, 512), weight = at_place(2, 1, 1, 1, 512),
           y = at_place(3, 1, 1, 1, 512), w = at_place(4, 1, 1, 512, 64), added = at_place(other, 1, 1, 1, 512),
           to = at_place(result, 1, 1, 1, 512);
    attributes_rms_norm norm = {.eps = 1e-5};
    const group_instruction add = {
        .op = OP_add, .result = 2, .arguments = {0, 1}, .input_dtype = TARN_BFLOAT16, .dtype = TARN_BFLOAT16};
    uint16_t inputs[] = {0, 1}, outputs[] = {2};
    group_program program = {.input_count = 2,
                             .output_count = 1,
                             .instruction_count = 1,
                             .register_count = 3,
                             .input_registers = inputs,
                             .output_registers = outputs,
                             .instructions = &add};
    operand normed = operand_of(&h), product = operand_of(&y), sum = operand_of(&to),
            norms[] = {operand_of(&x), operand_of(&weight)},
            factors[] = {normed, operand_of(&w), operand_of(&w), operand_of(&w)},
            parts[] = {operand_of(&added), product};
    const call calls[] = {
        {.op = OP_rms_norm,
         .row = &cuda_rms_norm,
         .attributes = &norm,
         .input_count = 2,
         .output_count = 1,
         .inputs = norms,
         .outputs = &normed},
        CALL(cuda_quantized_matmul, NULL, 4, factors, product),
        {.op = OP_group, .program = &program, .input_count = 2, .output_count = 1, .inputs = parts, .outputs = &sum}};
    return fuse_product(calls, 3, NULL);
}

static void test_product(void) {
    enum { X, H, Y = 3, OTHER = 5, RESULT };
    CHECK(joined_product(OTHER, RESULT) == 3); /* apart */
    CHECK(joined_product(X, RESULT) == 3);     /* with what was normed */
    CHECK(joined_product(OTHER, OTHER) == 3);  /* in place */
    CHECK(joined_product(H, RESULT) == 0);     /* with the normed row, which is written meanwhile */
    CHECK(joined_product(H, H) == 0);          /* in its place */
    CHECK(joined_product(OTHER, X) == 0);      /* in place of what others still norm */
}

int main(void) {
    test_attention();
    test_product();
    return check_report("cuda joins");
}
#else
int main(void) {
    return printf("there are no headers of CUDA here\n"), 77;
}
#endif
