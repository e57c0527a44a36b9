/* What C gives to kernels: structs of plain numbers, read by C and CUDA alike. A launcher gives the kernel to `stream`;
   what the launch gave is read with cudaGetLastError by the caller. dtypes are numbers of tarn_dtype. */
#ifndef CUDA_KERNELS_H
#define CUDA_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct CUstream_st *kernel_stream;

/* ---- device.c: of the device at hand
   How kernels that begin with await_previous are launched; returns how many attributes there are. */
struct cudaLaunchAttribute_st;
int cuda_launch_attributes(struct cudaLaunchAttribute_st *to, size_t shared);
/* How many multiprocessors it has. */
int cuda_processors(void);
/* Of shared memory, how much a block may have. */
int cuda_shared_bytes(void);
/* Whether the kernels wait for the one before them where they say so: PTX of an older architecture does not, whatever
   the device. */
bool cuda_can_wait(void);
/* Whether they are code for 9.0, which is compiled as 9.0a (CMakeLists.txt): no other, older or newer, has warpgroups,
   and of newer devices not all have clusters of 16 blocks. */
bool cuda_is_hopper(void);
/* What `find` says, at least 0, with the device as CUDA's current one; it is asked once for each device. */
typedef enum { QUESTION_CODE, QUESTION_LONG_CLUSTERS, QUESTIONS } device_question;
int cuda_answer(device_question question, int (*find)(void));
/* One of the kernels. */
const void *a_kernel(void);

/* Random numbers, as bfloat16 or float32; reading `bytes` bytes. Multiples of 16. */
void launch_draw(void *to, int64_t bytes, kernel_stream stream);
void launch_read(const void *from, int64_t bytes, void *to, kernel_stream stream);

enum { KERNEL_MOST_AXES = 13, KERNEL_MOST_INDICES = 8 };

/* n elements of `bytes` bytes each, in row-major order of shape, from one layout to another; strides in elements. */
typedef struct {
    void *to;
    const void *from;
    int bytes, ndim;
    int64_t n, shape[KERNEL_MOST_AXES], to_strides[KERNEL_MOST_AXES], from_strides[KERNEL_MOST_AXES];
} copy_kernel;
void launch_copy(const copy_kernel *k, kernel_stream stream);
/* Several at once, up to so many. */
enum { KERNEL_MOST_COPIES = 8 };
void launch_copies(const copy_kernel *k, int count, kernel_stream stream);

/* A block of `block`'s shape within `many`: it begins at starts (integers of start_dtype), moved so that it lies
 * within. `axes` of them. */
typedef struct {
    void *many, *block;
    const void *starts;
    int bytes, ndim, leading, axes, start_dtype, reading;
    int64_t n, shape[KERNEL_MOST_AXES], many_shape[KERNEL_MOST_AXES], many_strides[KERNEL_MOST_AXES],
        block_strides[KERNEL_MOST_AXES];
    int64_t start_strides[KERNEL_MOST_AXES]; /* of the leading axes; the last entry is that from one of `axes` to the
                                                next */
    int64_t step[KERNEL_MOST_AXES];          /* of each axis of `many` */
    int axis[KERNEL_MOST_AXES];
} block_kernel;
void launch_block(const block_kernel *k, kernel_stream stream);

/* gather and scatter: what is picked has the shape `shape`; its element lies in `many` at the sum of index * strides,
   and of each index array's value * index_step. Of a scatter the axes that the indices choose along are the last ones,
   in_order elements in all. */
typedef struct {
    void *many, *picked;
    int dtype, bytes, ndim, count, mode; /* mode: -1 gather, else tarn_scatter_mode */
    int64_t n, in_order, shape[KERNEL_MOST_AXES], strides[KERNEL_MOST_AXES], picked_strides[KERNEL_MOST_AXES];
    const void *indices[KERNEL_MOST_INDICES];
    int index_dtype[KERNEL_MOST_INDICES];
    int64_t index_strides[KERNEL_MOST_INDICES][KERNEL_MOST_AXES];
    int64_t index_size[KERNEL_MOST_INDICES], index_step[KERNEL_MOST_INDICES];
} pick_kernel;
void launch_pick(const pick_kernel *k, kernel_stream stream);

/* n indices [shape] copied to `to`, dense, each of which must lie on an axis of `size` elements: the least number of
   one that does not goes to status[0], its value to status[1]. */
typedef struct {
    void *to;
    const void *from;
    uint64_t *status;
    int dtype, ndim;
    int64_t n, size, shape[KERNEL_MOST_AXES], strides[KERNEL_MOST_AXES];
} check_kernel;
void launch_check(const check_kernel *k, kernel_stream stream);

/* Where truths [rows, shape ...] are true: to[d] [rows, size] has the places along axis d (NULL: nobody reads it),
   filled up with `fill`. They are counted in parts of NONZERO_PART; counts: 4 bytes for each part of each row, and one
   more for each row. found: 0, or the status words that get a row with more than `size` and how many it has. */
enum { NONZERO_PART = 4096 };
typedef struct {
    int64_t *to[KERNEL_MOST_AXES];
    const unsigned char *from;
    uint32_t *counts;
    uint64_t *found;
    int ndim, row_ndim;
    int64_t rows, n, size, fill, parts;
    int64_t shape[KERNEL_MOST_AXES], strides[KERNEL_MOST_AXES], row_shape[KERNEL_MOST_AXES],
        row_strides[KERNEL_MOST_AXES];
} nonzero_kernel;
void launch_nonzero(const nonzero_kernel *k, kernel_stream stream);

/* start + i * step; of integers, first + i * step in whole numbers. */
typedef struct {
    void *to;
    int dtype;
    int64_t n, first, whole_step;
    double start, step;
} arange_kernel;
void launch_arange(const arange_kernel *k, kernel_stream stream);

/* `bytes` random bytes for each of `keys` keys: two words, key_step apart, the keys as the axes say. */
typedef struct {
    char *to;
    const uint32_t *keys;
    int64_t bytes, count, word_step;
    int ndim;
    int64_t shape[KERNEL_MOST_AXES], strides[KERNEL_MOST_AXES];
} random_kernel;
void launch_random(const random_kernel *k, kernel_stream stream);

/* out[i] = fold over the reduced axes; both lists of axes are walked in row-major order. */
typedef struct {
    void *to;
    const void *from;
    int from_dtype, to_dtype, kind, kept_ndim, reduced_ndim;
    int64_t kept, reduced;
    int64_t kept_shape[KERNEL_MOST_AXES], kept_strides[KERNEL_MOST_AXES];
    int64_t reduced_shape[KERNEL_MOST_AXES], reduced_strides[KERNEL_MOST_AXES];
    int least; /* of arg_reduce */
    /* of reduce and logsumexp: results that a block takes (1 or 32: where neighbours lie side by side), parts that the
       reduced elements are cut into, and where their values go: 16 bytes for each part of each result */
    int across;
    unsigned parts;
    void *partial;
} reduce_kernel;
void launch_reduce(const reduce_kernel *k, kernel_stream stream);
void launch_logsumexp(const reduce_kernel *k, kernel_stream stream);
void launch_arg_reduce(const reduce_kernel *k, kernel_stream stream);

/* Few long rows of n elements, side by side, `step` apart: log(sum(exp(x))) of each, what is left of x without it, and
   the place of the best (the largest, or the least) of that. total, NULL: x stays as it is. rest, best, NULL: nobody
   reads it. */
typedef struct {
    const void *from;
    void *total, *rest, *best;
    int dtype, least;
    int64_t rows, n, step;
} long_rows_kernel;
bool rows_are_long(const long_rows_kernel *k); /* whether they, and the device, are such that this runs */
void launch_long_rows(const long_rows_kernel *k, kernel_stream stream);

/* An axis of n elements of each of `rows` rows, which the other axes number. places: argsort, or, fetched, a sort whose
   elements are fetched from their places. The workspace has room for two keys of each element (and, with places, two
   places of 4 bytes), then own_bytes from a multiple of 256 on. */
typedef struct {
    void *to;
    const void *from;
    void *workspace;
    int dtype, places, fetched, ndim;
    int64_t rows, n, from_step, to_step, own_bytes;
    int64_t shape[KERNEL_MOST_AXES], from_strides[KERNEL_MOST_AXES], to_strides[KERNEL_MOST_AXES];
} sort_kernel;
int64_t sort_own_bytes(const sort_kernel *k);
void launch_sort(const sort_kernel *k, kernel_stream stream);
/* Rows of at most SORT_HELD elements, without workspace. */
enum { SORT_HELD = 4096 };
void launch_sort_rows(const sort_kernel *k, kernel_stream stream);

/* How many of `length` sorted elements, `step` apart, are below each of n values, or not above it (right). */
typedef struct {
    uint32_t *to;
    const void *sorted, *values;
    int dtype, right, ndim;
    int64_t n, length, step, shape[KERNEL_MOST_AXES], row_strides[KERNEL_MOST_AXES], value_strides[KERNEL_MOST_AXES],
        to_strides[KERNEL_MOST_AXES];
} search_kernel;
void launch_search(const search_kernel *k, kernel_stream stream);

/* n dense numbers of dtype to E4M3, or from it. */
typedef struct {
    void *to;
    const void *from;
    int dtype;
    int64_t n;
} float8_kernel;
void launch_to_float8(const float8_kernel *k, kernel_stream stream);
void launch_from_float8(const float8_kernel *k, kernel_stream stream);

/* kind: a reduce_kind that has running forms; of bool to int32, else to the same dtype. */
typedef struct {
    void *to;
    const void *from;
    void *partial;
    int dtype, kind, reverse, exclusive, ndim;
    int64_t rows, n, from_step, to_step, part, parts;
    int64_t shape[KERNEL_MOST_AXES], from_strides[KERNEL_MOST_AXES], to_strides[KERNEL_MOST_AXES];
    int dense, is_short; /* the launcher's */
} scan_kernel;
/* Rows are cut into `parts` tiles of SCAN_WARPS * SCAN_WARP_TILE elements; partial: scan_own_bytes, where there are
   several. */
enum { SCAN_WARPS = 8, SCAN_GROUP = 128 };
#define SCAN_WARP_TILE(bytes) ((bytes) == 8 || (bytes) == 1 ? 512 : 1024)
static inline size_t scan_own_bytes(const scan_kernel *k) {
    return (size_t)(k->rows * (k->parts + (k->parts + SCAN_GROUP - 1) / SCAN_GROUP) * 20);
}
void launch_scan(const scan_kernel *k, kernel_stream stream);
/* The last of the rows' axes has neighbours side by side. Rows are cut into `parts` of `part` elements; partial: 16
   bytes for each part of each row. */
void launch_scan_columns(const scan_kernel *k, kernel_stream stream);

/* Rows of n elements, dense. weight, and of layer_norm bias, may be NULL. */
typedef struct {
    void *to;
    const void *from, *weight, *bias;
    int dtype;
    int64_t rows, n;
    float eps;
    double eps_wide;
    const void *other; /* of rms_norm: what is normed is from + other, which goes to sum_to; NULL: from alone */
    void *sum_to;
    void *spread; /* of rms_norm of half types: where the result goes, too, in the order of packed_rows_kernel, with
                     `eights` times eight rows or (0) more; NULL: nowhere */
    float *wide;  /* of rms_norm of half types: where the result goes, too, as floats; NULL: nowhere */
    int eights, early; /* early: nothing that the stream was given before writes the weight */
    int each;          /* the launcher's: rows of a block */
} norm_kernel;
void launch_softmax(const norm_kernel *k, kernel_stream stream);
void launch_rms_norm(const norm_kernel *k, kernel_stream stream);
void launch_layer_norm(const norm_kernel *k, kernel_stream stream);
/* Whether a block holds a row and rows are not streamed: only then `other`, `spread` and `wide` may be given. */
bool norm_is_held(const norm_kernel *k);

/* The gradient of rows by that of what was made of them, dense, up to ROW_GRADIENT_MOST elements each. of: what `from`
   is, the result of softmax, or x of rms_norm or layer_norm. to, weight_to and bias_to may be NULL: nobody reads it.
   partial: row_gradient_bytes for sums over rows, which as many blocks take as the shape says. */
enum { SOFTMAX_ROW, RMS_NORM_ROW, LAYER_NORM_ROW, ROW_GRADIENT_MOST = 8192 };
typedef struct {
    void *to, *weight_to, *bias_to, *partial;
    const void *gradient, *from, *weight;
    int dtype, of;
    int64_t rows, n;
    double eps;
} row_gradient_kernel;
int64_t row_gradient_bytes(const row_gradient_kernel *k);
void launch_row_gradient(const row_gradient_kernel *k, kernel_stream stream);

/* rows [2 half] of half types, dense, to rows [half]: silu(first half) * second half. half a multiple of 8, addresses
   of 16 bytes. */
typedef struct {
    void *to;
    const void *from;
    void *spread; /* as norm_kernel's */
    int dtype, eights;
    int64_t rows, half;
} gate_kernel;
void launch_gate(const gate_kernel *k, kernel_stream stream);

/* x [batch, heads, length, dim], any strides but a dense last axis; offset of offset_dtype, offset_step 0 if all rows
 * share it. */
typedef struct {
    void *to;
    const void *from, *offset;
    const float *freqs;
    int dtype, offset_dtype, traditional;
    int64_t batch, heads, length, dim, dims, offset_step, strides[3];
    double scale, slope; /* pair i turns by exp(i * slope) a position, where there are no freqs */
} rope_kernel;
void launch_rope(const rope_kernel *k, kernel_stream stream);

/* Queries of many positions turned (rope), keys turned and written into a cache of `capacity` rows from row start on,
   moved so that they lie within, values written beside them. Half types; heads of a multiple of 16 up to 256 that are
   turned whole, not as neighbours; all addresses and rows at multiples of 16 bytes. key_to: the turned keys by
   themselves, or NULL. Strides of batch, head, row. */
typedef struct {
    rope_kernel rope;
    const void *key, *value;
    void *key_to, *key_cache, *value_cache;
    const int *start;
    int64_t kv_heads, value_dim, capacity, start_step;
    int64_t key_strides[3], value_strides[3], key_cache_strides[3], value_cache_strides[3];
} turned_rows_kernel;
void launch_turned_rows(const turned_rows_kernel *k, kernel_stream stream);

/* strides: of batch, head, row; the last axis is dense, that of the mask has mask_strides[3]. */
typedef struct {
    void *to;
    const void *q, *k, *v, *mask, *length, *sinks;
    int dtype, mask_dtype, length_dtype, causal;
    int64_t batch, heads, kv_heads, rows, keys, dim, value_dim, window, length_step, sink_step;
    int64_t q_strides[3], k_strides[3], v_strides[3], mask_strides[4];
    double scale;
    /* of launch_split_attention: keys of a part, how many parts there are at most, and for each query and part its top,
       its sum and its value_dim weighted sums */
    int64_t part_keys, parts;
    float *partial;
    void *by_rows; /* of launch_group_attention: [batch, rows, heads, value_dim], where the result goes, too; NULL:
                      nowhere */
} attention_kernel;
void launch_attention(const attention_kernel *k, kernel_stream stream);
/* Few queries: not float64, dim and value_dim multiples of 8 up to 256, rows of k and v at multiples of 16 bytes. */
void launch_split_attention(const attention_kernel *k, kernel_stream stream);
/* Many: half types, value_dim = dim, a multiple of 8 up to 256, rows of q, k and v at multiples of 16 bytes; no mask.
 */
void launch_tile_attention(const attention_kernel *k, kernel_stream stream);
/* The same for dims up to 128, equal or not, with a mask or without, all strides positive, from compute capability 9.0
 * on; false: the device cannot. */
bool launch_group_attention(const attention_kernel *k, kernel_stream stream);

/* The gradients of q, k and v, dense, by that of the result; NULL: nobody reads it. Half types, dims up to 128.
   aligned: rows of all four lie at multiples of 16 bytes, dims are multiples of 8. sums: 16 bytes for each query of
   each head. */
typedef struct {
    attention_kernel attention; /* its `to` is not used */
    const void *gradient;
    void *q, *k, *v, *sums;
    int64_t strides[3]; /* of gradient */
    int aligned;
} attention_gradient_kernel;
void launch_attention_gradient(const attention_gradient_kernel *g, kernel_stream stream);

/* Attention of one new token behind the rotation of its query and key and the writing of key and value into the cache
   that attention reads: attention.q, rope.from (the query's) and so on describe what lies there before. A cluster of
   `ranks` blocks for each kv head, from compute capability 9.0 on. */
typedef struct {
    attention_kernel attention;
    rope_kernel rope; /* of the query: its strides; offset, freqs and angles are the key's, too */
    const void *key, *value;
    int64_t key_strides[2], value_strides[2]; /* of batch, head */
    void *query_to, *key_to;                  /* rotated, for who else reads them; NULL: nobody does */
    const int *start;                         /* where in the cache, moved so that it lies within */
    int ranks, early;   /* early: nothing that the stream was given before writes the cache, offset or start */
    int64_t start_step; /* of batch */
    void *spread;       /* of launch_step_attention: where the result goes, too, as the x of a packed_rows_kernel with
                           `eights` times eight rows; NULL: nowhere */
    int eights;
} cached_attention_kernel;
int launch_cached_attention(const cached_attention_kernel *k, kernel_stream stream); /* 1: by launch_step_attention */
/* The same on the matrix units for what most models do: half types, heads of 64 or 128 that are turned whole, up to 8
   of them for a kv head, no mask, window or sinks. 0: it is something else. */
int launch_step_attention(const cached_attention_kernel *k, kernel_stream stream);

/* c[m, n] = a[m, k] b[k, n] of one dtype, for those that no library takes. Strides of rows and columns. */
typedef struct {
    void *c;
    const void *a, *b;
    int dtype;
    int64_t m, n, k, a_row, a_column, b_row, b_column;
} product_kernel;
void launch_product(const product_kernel *k, kernel_stream stream);

/* x [batch, size ..., groups * channels], w [groups * outs, kernel ..., channels], dense; `rows` places of the result,
   from first_row on, of `axes` spatial axes. unfold: to [rows, taps, channels], whose elements have `bytes` bytes. */
typedef struct {
    void *to;
    const void *x, *w;
    int dtype, bytes, axes, flip;
    int64_t rows, first_row, taps, channels, outs, groups;
    int64_t size[KERNEL_MOST_AXES], kernel[KERNEL_MOST_AXES], places[KERNEL_MOST_AXES], stride[KERNEL_MOST_AXES],
        low[KERNEL_MOST_AXES], kernel_dilation[KERNEL_MOST_AXES], input_dilation[KERNEL_MOST_AXES];
} conv_kernel;
void launch_unfold(const conv_kernel *k, kernel_stream stream);
void launch_conv(const conv_kernel *k, kernel_stream stream);

/* Affine packed rows, dense: words [rows, k * bits / 32], scales and biases [rows, k / group]. */
typedef struct {
    void *to;      /* dequantize: [rows, k]; matvec: [m, rows] */
    const void *x; /* [m, k] */
    const uint32_t *words;
    const void *scales, *biases;
    int dtype, scale_dtype, bits, stepwise;
    int64_t group, rows, k, m;
} affine_kernel;
void launch_dequantize(const affine_kernel *k, kernel_stream stream);
void launch_affine_matvec(const affine_kernel *k, kernel_stream stream);

/* Of `count` packed rows those that `rows` indices choose (none that lies outside: zeros) are copied to rows.words and
   so on, and unpacked. 2, 4 or 8 bits, a whole number of words a group, scales of the result's dtype, `to` at a
   multiple of 16 bytes. */
typedef struct {
    affine_kernel rows;
    const uint32_t *words;
    const void *scales, *biases, *indices;
    int index_dtype;
    int64_t count;
} picked_affine_kernel;
void launch_dequantize_picked(const picked_affine_kernel *k, kernel_stream stream);

/* Packed weights of any mode (a number of quant_mode): rows of k numbers, dense, and their parts, of which biases and
   global may be NULL. step_dtype: what each step of unpacking is rounded to. A product has batch [shape] times m rows
   of `depth` numbers of x, and n results for each. */
typedef struct {
    void *to;
    const void *x;
    const uint32_t *words;
    const void *scales, *biases;
    const float *global;
    int mode, dtype, scale_dtype, step_dtype, bits, transposed, ndim;
    int64_t group, rows, k, batch, m, n, depth, shape[KERNEL_MOST_AXES];
    int64_t x_strides[KERNEL_MOST_AXES], row_strides[KERNEL_MOST_AXES]; /* in elements, in rows */
} coded_kernel;
void launch_unpack_coded(const coded_kernel *k, kernel_stream stream);
void launch_multiply_coded(const coded_kernel *k, kernel_stream stream);

/* groups of `group` numbers, dense, packed. What nobody reads is NULL. */
typedef struct {
    uint32_t *words;
    void *scales, *biases;
    const void *from;
    const float *global;
    int mode, dtype, scale_dtype, bits;
    int64_t group, groups;
} make_coded_kernel;
void launch_make_coded(const make_coded_kernel *k, kernel_stream stream);

/* What the kernel of a product of one row does besides: x is normed before it (rms_norm), and its result added to, or
   made a gate of. Each value between is rounded to the dtype, and written where there is an address for it. */
enum { AFTER_NOTHING, AFTER_ADD, AFTER_GATE };
typedef struct {
    int normed, after, early; /* early: nothing that the stream was given before writes the norm's weight */
    float eps;
    const void *norm_weight; /* [k] or NULL */
    void *norm_to;           /* [k] or NULL */
    const void *other;       /* AFTER_ADD: result = product + other; AFTER_GATE: silu(first half) * second half */
    void *result;
} around_product;

/* One row of x with weights [rows, k], whose rows are `step` elements apart. All addresses and rows at multiples of 16
   bytes, x dense. early: nothing that the stream was given before writes the weights. to: NULL if nobody reads it. */
typedef struct {
    const void *weight;
    void *to;
    int64_t rows, step;
} vector_part;
typedef struct {
    const void *x;
    int dtype, early;
    int64_t k;
    vector_part part;
    around_product around;
    int rounds,
        longer_teams; /* the launcher's: how many sets of rows the first teams of warps take, the others one less */
} vector_kernel;
void launch_vector(const vector_kernel *k, kernel_stream stream);

/* The same with affine weights of 4 bits (k a multiple of 256, groups of 64 or more) or 8 (128, 32). */
typedef struct {
    const uint32_t *words;
    const void *scales, *biases;
    void *to;
    int64_t rows;
} packed_part;
typedef struct {
    const void *x;
    int dtype, scale_dtype, bits, early;
    int64_t k, group;
    packed_part part;
    around_product around;
    /* The launcher's: tiles of 8 rows, `down` of which a block has at a time, each of `across` warps; how many rounds
     * of them the first blocks have, the others one less; how many spans of k a warp has, the first ones one more;
     * groups and bytes of a row, rows from one of a lane's to its next; what a reciprocal is of: quant/vector.cu. */
    int tiles, down, down_reciprocal, across, across_reciprocal, rounds, longer_blocks, warp_spans, longer_warps;
    int row_groups, row_bytes, row_step, group_shift, sums;
} packed_vector_kernel;
void launch_packed_vector(const packed_vector_kernel *k, kernel_stream stream);

/* More rows of x than one with affine weights of 4 bits: k a multiple of 128, at most 4 GiB of words, at a multiple of
   16 bytes. Up to 32, which come as `eights` times eight rows: x of half types with scales alike in groups of 32 or
   more, or of float32 in groups of 64 or more. More (eights 0): half types, `rows` a multiple of 8 (of 16, if gated),
   to and gated at multiples of 16 bytes. spread: where x is brought into the order of use; room for k numbers of all
   rows, of all the eights, if there are any, at a multiple of 16 (of 256) bytes; of float32 for 8 bytes a number.
   ordered: x of half types lies there already, as put_in_batch_order (put_in_order) has it. gated, of half types: [m,
   rows / 2], silu(first half of the rows) * second half; NULL: that is not wanted. gated_spread: where that goes in the
   order that a product with it wants; NULL: nowhere. */
typedef struct {
    void *to;      /* [m, rows] */
    const void *x; /* [m, k] */
    void *spread, *gated, *gated_spread;
    const uint32_t *words;
    const void *scales, *biases;
    int dtype, scale_dtype, early, ordered, eights;
    int64_t m, k, rows, group;
    int across, group_shift, aligned; /* the launcher's */
} packed_rows_kernel;
bool launch_packed_rows(const packed_rows_kernel *k, kernel_stream stream); /* false: the driver refuses */
void launch_batch(const packed_rows_kernel *k, kernel_stream stream);       /* its part with eights */
void launch_float_batch(const packed_rows_kernel *k, kernel_stream stream); /* ... of float32 */
bool launch_prompt(const packed_rows_kernel *k, kernel_stream stream);      /* without */

#ifdef __cplusplus
}
#endif

#endif
