/* softmax, rms_norm and layer_norm of dense rows, a block each; rope, a thread for each pair. Half types in float,
 * float64 in double. */
#include "cuda/norm/rope.cuh"
#include "cuda/norm/spread.cuh"
#include "cuda/norm/streamed.cuh"
#include "cuda/quant/tile.cuh"

struct sum_of {
    template <class T> __device__ T operator()(T a, T b) const { return a + b; }
};
struct max_of {
    template <class T> __device__ T operator()(T a, T b) const { return language::max(a, b); }
};

/* ---- rows that a block holds in registers: EACH pieces of 16 bytes a thread, so that memory is read once. A block
   takes k.each rows, the next one on its way while one is computed. */
template <class S, int EACH> struct held_row {
    uint4 next[EACH];
    wide<S> at[EACH][PIECE<S>];

    static DEVICE_MEMBER i64 piece(int e) { return threadIdx.x + e * (i64)blockDim.x; }
    DEVICE_MEMBER void fetch_row(const norm_kernel &k, i64 row) {
#pragma unroll
        for (int e = 0; e < EACH; e++)
            if (row < k.rows && piece(e) * PIECE<S> < k.n)
                next[e] = ((const uint4 *)((const S *)k.from + row * k.n))[piece(e)];
    }
    DEVICE_MEMBER void take(i64 n, wide<S> beyond) {
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            widen_piece<S>(next[e], at[e]);
            if (piece(e) * PIECE<S> < n) continue;
#pragma unroll
            for (int i = 0; i < PIECE<S>; i++) at[e][i] = beyond;
        }
    }
    DEVICE_MEMBER void write(S *to, i64 n) const {
#pragma unroll
        for (int e = 0; e < EACH; e++)
            if (piece(e) * PIECE<S> < n) ((uint4 *)to)[piece(e)] = narrow_piece<S>(at[e]);
    }
    DEVICE_MEMBER void write_in_order(S *to, i64 n) const {
#pragma unroll
        for (int e = 0; e < EACH; e++)
            if (piece(e) * PIECE<S> < n) put_in_order<S>(to, piece(e), narrow_piece<S>(at[e]));
    }
    DEVICE_MEMBER void write_in_batch_order(const norm_kernel &k, i64 row) const {
#pragma unroll
        for (int e = 0; e < EACH; e++)
            if (piece(e) * PIECE<S> < k.n)
                put_in_batch_order(k.spread, row, piece(e), k.eights, narrow_piece<S>(at[e]));
    }
    DEVICE_MEMBER void write_wide(float *to, i64 n) const {
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            if (piece(e) * PIECE<S> >= n) continue;
            float rounded[PIECE<S>];
            widen_piece<S>(narrow_piece<S>(at[e]), rounded);
#pragma unroll
            for (int i = 0; i < PIECE<S>; i += 4)
                *(float4 *)(to + piece(e) * PIECE<S> + i) = {rounded[i], rounded[i + 1], rounded[i + 2],
                                                             rounded[i + 3]};
        }
    }
    /* On its way while the kernel before ends. */
    static DEVICE_MEMBER void fetch_weight(const norm_kernel &k) {
#pragma unroll
        for (int e = 0; e < EACH; e++)
            if (k.weight && k.early && piece(e) * PIECE<S> < k.n) fetch((const uint4 *)k.weight + piece(e));
    }
    /* Every element as `change` makes it, with its place. */
    template <class F> DEVICE_MEMBER void change(F change) {
#pragma unroll
        for (int e = 0; e < EACH; e++)
#pragma unroll
            for (int i = 0; i < PIECE<S>; i++) change(at[e][i], piece(e) * PIECE<S> + i);
    }
};

/* The rows of the block, `beyond` behind their ends, each as `change` makes it. */
template <class S, int EACH, class F> DEVICE void change_rows(const norm_kernel &k, wide<S> beyond, F change) {
    held_row<S, EACH> x;
    i64 row = blockIdx.x * (i64)k.each, end = row + k.each < k.rows ? row + k.each : k.rows;
    begin();
    for (x.fetch_row(k, row); row < end; row++) {
        x.take(k.n, beyond);
        if (row + 1 < end) x.fetch_row(k, row + 1);
        change(x);
        x.write((S *)k.to + row * k.n, k.n);
    }
}

template <class S, int EACH>
__global__ void __launch_bounds__(1024) softmax_held(const __grid_constant__ norm_kernel k) {
    typedef wide<S> T;
    __shared__ T room[32];
    const T lowest = -INFINITY;
    change_rows<S, EACH>(k, lowest, [&](held_row<S, EACH> &x) {
        T top = lowest, sum = 0;
        x.change([&](T &value, i64) { top = language::max(top, value); });
        top = fold_block(top, lowest, room, max_of());
        x.change([&](T &value, i64 at) {
            value = at < k.n ? language::exp(value - top) : (T)0;
            sum += value;
        });
        sum = 1 / fold_block(sum, (T)0, room, sum_of());
        x.change([&](T &value, i64) { value *= sum; });
    });
}

/* The normed value is rounded before it is multiplied by the weight, as the formula says, and that before a bias is
   added. */
template <class S, int EACH> DEVICE void multiply_by_weight(held_row<S, EACH> &x, const norm_kernel &k, wide<S> scale) {
#pragma unroll
    for (int e = 0; e < EACH; e++) {
        wide<S> weight[PIECE<S>];
        bool weighted =
            k.weight && x.piece(e) * PIECE<S> < k.n; /* read only now: held, it would leave room for fewer rows */
        if (weighted) widen_piece<S>(((const uint4 *)k.weight)[x.piece(e)], weight);
#pragma unroll
        for (int i = 0; i < PIECE<S>; i++) {
            S y;
            narrow(&y, x.at[e][i] * scale);
            x.at[e][i] = weighted ? (wide<S>)widen(y) * weight[i] : (wide<S>)widen(y);
        }
    }
}
template <class S, int EACH> DEVICE void add_bias(held_row<S, EACH> &x, const norm_kernel &k) {
#pragma unroll
    for (int e = 0; e < EACH; e++) {
        if (!k.bias || x.piece(e) * PIECE<S> >= k.n) continue;
        wide<S> bias[PIECE<S>];
        widen_piece<S>(narrow_piece<S>(x.at[e]), x.at[e]);
        widen_piece<S>(((const uint4 *)k.bias)[x.piece(e)], bias);
#pragma unroll
        for (int i = 0; i < PIECE<S>; i++) x.at[e][i] += bias[i];
    }
}

/* What is added to a row: the sum is rounded, and written, before it is normed. */
template <class S, int EACH> struct held_other {
    uint4 next[EACH];

    DEVICE_MEMBER void fetch_row(const norm_kernel &k, const held_row<S, EACH> &x, i64 row) {
#pragma unroll
        for (int e = 0; e < EACH; e++)
            if (row < k.rows && x.piece(e) * PIECE<S> < k.n)
                next[e] = ((const uint4 *)((const S *)k.other + row * k.n))[x.piece(e)];
    }
    DEVICE_MEMBER void add_to(held_row<S, EACH> &x, const norm_kernel &k, i64 row) const {
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            if (x.piece(e) * PIECE<S> >= k.n) continue;
            wide<S> y[PIECE<S>];
            widen_piece<S>(next[e], y);
#pragma unroll
            for (int i = 0; i < PIECE<S>; i++) y[i] = x.at[e][i] + y[i];
            const uint4 sum = narrow_piece<S>(y);
            widen_piece<S>(sum, x.at[e]);
            if (k.sum_to) ((uint4 *)((S *)k.sum_to + row * k.n))[x.piece(e)] = sum;
        }
    }
};

template <class S, int EACH, bool SUM>
__global__ void __launch_bounds__(1024) rms_norm_held(const __grid_constant__ norm_kernel k) {
    typedef wide<S> T;
    __shared__ T room[32];
    held_row<S, EACH> x;
    held_other<S, EACH> other;
    i64 row = blockIdx.x * (i64)k.each, end = row + k.each < k.rows ? row + k.each : k.rows;
    x.fetch_weight(k);
    begin();
    if (SUM) other.fetch_row(k, x, row);
    for (x.fetch_row(k, row); row < end; row++) {
        T sum = 0, eps = sizeof(T) == 8 ? (T)k.eps_wide : (T)k.eps;
        x.take(k.n, (T)0);
        if (SUM) other.add_to(x, k, row);
        if (row + 1 < end) x.fetch_row(k, row + 1);
        if (SUM && row + 1 < end) other.fetch_row(k, x, row + 1);
        x.change([&](T &value, i64) { sum += value * value; });
        sum = fold_block(sum, (T)0, room, sum_of());
        multiply_by_weight(x, k, 1 / language::sqrt(sum / (T)k.n + eps));
        x.write((S *)k.to + row * k.n, k.n);
        if constexpr (sizeof(S) == 2)
            if (k.wide) x.write_wide(k.wide + row * k.n, k.n);
        if (sizeof(S) == 2 && k.spread)
            k.eights ? x.write_in_batch_order(k, row) : x.write_in_order((S *)k.spread + row * k.n, k.n);
    }
}

template <class S, int EACH>
__global__ void __launch_bounds__(1024) layer_norm_held(const __grid_constant__ norm_kernel k) {
    typedef wide<S> T;
    __shared__ T room[32];
    change_rows<S, EACH>(k, (T)0, [&](held_row<S, EACH> &x) {
        T mean = 0, sum = 0, eps = sizeof(T) == 8 ? (T)k.eps_wide : (T)k.eps;
        x.change([&](T &value, i64) { mean += value; });
        mean = fold_block(mean, (T)0, room, sum_of()) / (T)k.n;
        x.change([&](T &value, i64 at) {
            value = at < k.n ? value - mean : (T)0;
            sum += value * value;
        });
        sum = fold_block(sum, (T)0, room, sum_of());
        multiply_by_weight(x, k, 1 / language::sqrt(sum / (T)k.n + eps));
        add_bias(x, k);
    });
}

/* ---- rows of any size and address */
template <class S> __global__ void softmax_rows(const __grid_constant__ norm_kernel k) {
    typedef wide<S> T;
    __shared__ T room[32];
    const S *x = (const S *)k.from + blockIdx.x * k.n;
    S *to = (S *)k.to + blockIdx.x * k.n;
    T lowest = -INFINITY, top = lowest, sum = 0;
    begin();
    for (i64 i = threadIdx.x; i < k.n; i += blockDim.x) top = language::max(top, (T)widen(x[i]));
    top = fold_block(top, lowest, room, max_of());
    for (i64 i = threadIdx.x; i < k.n; i += blockDim.x) sum += language::exp((T)widen(x[i]) - top);
    sum = fold_block(sum, (T)0, room, sum_of());
    for (i64 i = threadIdx.x; i < k.n; i += blockDim.x) narrow(to + i, language::exp((T)widen(x[i]) - top) / sum);
}

/* CENTRED: of layer_norm. */
template <class S, bool CENTRED> __global__ void norm_rows(const __grid_constant__ norm_kernel k) {
    typedef wide<S> T;
    __shared__ T room[32];
    const S *x = (const S *)k.from + blockIdx.x * k.n, *weight = (const S *)k.weight, *bias = (const S *)k.bias;
    S *to = (S *)k.to + blockIdx.x * k.n;
    T sum = 0, mean = 0, eps = sizeof(T) == 8 ? (T)k.eps_wide : (T)k.eps;
    begin();
    for (i64 i = threadIdx.x; CENTRED && i < k.n; i += blockDim.x) mean += (T)widen(x[i]);
    if (CENTRED) mean = fold_block(mean, (T)0, room, sum_of()) / (T)k.n;
    for (i64 i = threadIdx.x; i < k.n; i += blockDim.x) sum += ((T)widen(x[i]) - mean) * ((T)widen(x[i]) - mean);
    sum = fold_block(sum, (T)0, room, sum_of());
    T scale = 1 / language::sqrt(sum / (T)k.n + eps);
    for (i64 i = threadIdx.x; i < k.n; i += blockDim.x) {
        S y;
        narrow(&y, ((T)widen(x[i]) - mean) * scale);
        if (weight) narrow(&y, widen(y) * widen(weight[i]));
        if (bias) narrow(&y, widen(y) + widen(bias[i]));
        to[i] = y;
    }
}

/* ---- which: how many pieces a thread holds; 0: the row cannot be held. A single row is spread over more threads. */
static int held_pieces(const norm_kernel *k, int piece) {
    i64 pieces = k->n / piece;
    if (k->n % piece || pieces > 4096 || !lie_at_16(k->to, k->from, k->weight, k->bias) ||
        !lie_at_16(k->other, k->sum_to))
        return 0;
    if (pieces <= (k->rows < cuda_processors() ? 1024 : 128)) return 1;
    return pieces <= 512 ? 2 : 4;
}
static unsigned held_threads(i64 pieces, int each) {
    return (unsigned)((pieces + each - 1) / each + 31) / 32 * 32;
}
static unsigned threads_for(i64 n) {
    return n <= 128 ? 32 : n <= 1024 ? 128 : n <= 8192 ? 256 : 1024;
}

/* Sums whose blocks of two rows all find room at once, four a multiprocessor, and are not too few. */
static bool is_paired(const norm_kernel *k, unsigned threads) {
    const int blocks = SPREAD_BLOCKS * cuda_processors();
    return k->other && threads <= 256 && 2 * k->rows > blocks && k->rows <= 2 * blocks;
}
/* Rows of a block that holds them: several where there are blocks enough for the device to be full of them. */
static int rows_each(const norm_kernel *k, unsigned threads) {
    return is_paired(k, threads) ? 2 : k->rows >= 32 * cuda_processors() ? 4 : 1;
}

/* one, two, four: kernels that hold so many pieces a thread; any: the kernel of rows that cannot be held. */
template <class S, class K>
static void launch_rows(norm_kernel k, K *one, K *two, K *four, K *any, kernel_stream stream) {
    const int each = held_pieces(&k, PIECE<S>);
    const unsigned threads = each ? held_threads(k.n / PIECE<S>, each) : threads_for(k.n);
    k.each = each ? rows_each(&k, threads) : 1;
    start(each == 1   ? one
          : each == 2 ? two
          : each == 4 ? four
                      : any,
          blocks_for(k.rows, k.each), threads, k.each == 2 ? SPREAD_SHARED : 0, stream, k);
}
template <class S> static void softmax(const norm_kernel &k, kernel_stream stream) {
    launch_rows<S>(k, softmax_held<S, 1>, softmax_held<S, 2>, softmax_held<S, 4>, softmax_rows<S>, stream);
}
template <class S> static void rms_norm(const norm_kernel &k, kernel_stream stream) {
    k.other ? launch_rows<S>(k, rms_norm_held<S, 1, true>, rms_norm_held<S, 2, true>, rms_norm_held<S, 4, true>,
                             norm_rows<S, false>, stream)
            : launch_rows<S>(k, rms_norm_held<S, 1, false>, rms_norm_held<S, 2, false>, rms_norm_held<S, 4, false>,
                             norm_rows<S, false>, stream);
}

template <class S> static void layer_norm(const norm_kernel &k, kernel_stream stream) {
    launch_rows<S>(k, layer_norm_held<S, 1>, layer_norm_held<S, 2>, layer_norm_held<S, 4>, norm_rows<S, true>, stream);
}

/* Rows that are streamed by themselves would be summed in another order. */
bool norm_is_held(const norm_kernel *k) {
    int bytes = k->dtype == D_F64 ? 8 : k->dtype == D_F32 ? 4 : 2;
    return held_pieces(k, 16 / bytes) > 0 && !norm_is_streamed(k);
}

void launch_softmax(const norm_kernel *k, kernel_stream stream) {
    if (!launch_softmax_streamed(k, stream)) FLOATS(k->dtype, softmax<type>(*k, stream))
}
void launch_rms_norm(const norm_kernel *k, kernel_stream stream) {
    if (!launch_rms_norm_streamed(k, stream)) FLOATS(k->dtype, rms_norm<type>(*k, stream))
}
void launch_layer_norm(const norm_kernel *k, kernel_stream stream) {
    if (!launch_layer_norm_streamed(k, stream)) FLOATS(k->dtype, layer_norm<type>(*k, stream))
}

/* ---- rope: a thread turns a pair of MOST_HEADS heads, whose angle is the same */
enum { MOST_HEADS = 8 };

template <class S> __global__ void __launch_bounds__(256) rope_rows(const __grid_constant__ rope_kernel k) {
    typedef wide<S> T;
    i64 half = k.dims / 2, each = half + (k.dim - k.dims), i, at, group,
        groups = (k.heads + MOST_HEADS - 1) / MOST_HEADS;
    i64 batch = divide(divide(divide(thread_number(), each, &i), k.length, &at), groups, &group);
    begin();
    if (batch >= k.batch) return;
    T position = ((T)at + (T)integer_at(k.offset, batch * k.offset_step, k.offset_dtype)) * (T)k.scale, c = 0, s = 0;
    if (i < half) rope_turn<S>(k, i, position, &c, &s);
#pragma unroll
    for (int h = 0; h < MOST_HEADS; h++) {
        i64 head = group * MOST_HEADS + h;
        if (head >= k.heads) return;
        const S *x = (const S *)k.from + batch * k.strides[0] + head * k.strides[1] + at * k.strides[2];
        S *to = (S *)k.to + ((batch * k.heads + head) * k.length + at) * k.dim;
        if (i < half)
            rope_pair<S>(k, x, to, i, c, s);
        else
            to[k.dims + i - half] = x[k.dims + i - half];
    }
}

void launch_rope(const rope_kernel *k, kernel_stream stream) {
    i64 groups = (k->heads + MOST_HEADS - 1) / MOST_HEADS,
        n = k->batch * groups * k->length * (k->dims / 2 + k->dim - k->dims);
    FLOATS(k->dtype, start(rope_rows<type>, blocks_for(n, 256), 256, 0, stream, *k))
}
