/* The gradients of rows of softmax, rms_norm and layer_norm: a block takes rows one after the other, holds x and the
   gradient g of what was made of it in registers, the next row's on their way, and adds up what the weight and the bias
   take of its rows; a second kernel adds the blocks' sums. In float, float64 in double. */
#include "cuda/device.cuh"

/* WIDTH elements a load: of 16 bytes, or one. */
template <class S, int WIDTH> struct load_of { typedef uint4 type; };
template <class S> struct load_of<S, 1> { typedef S type; };

/* EACH loads of a thread, which are a block's threads apart. */
template <class S, int EACH, int WIDTH> struct row_loads {
    typedef typename load_of<S, WIDTH>::type load;
    load at[EACH];

    static DEVICE_MEMBER i64 first(int e) { return (threadIdx.x + e * (i64)blockDim.x) * WIDTH; }
    DEVICE_MEMBER void fetch(const void *row, i64 n) {
#pragma unroll
        for (int e = 0; e < EACH; e++)
            at[e] = row && first(e) < n ? *(const load *)((const S *)row + first(e)) : load();
    }
    /* Of weights; ones where there are none. */
    DEVICE_MEMBER void fetch_weights(const row_gradient_kernel &k) {
        fetch(k.weight, k.n);
        if (k.weight) return;
        S one;
        narrow(&one, (wide<S>)1);
#pragma unroll
        for (int e = 0; e < EACH; e++)
#pragma unroll
            for (int i = 0; i < WIDTH; i++) ((S *)&at[e])[i] = one;
    }
    DEVICE_MEMBER wide<S> element(int e, int i) const {
        return widen(((const S *)&at[e])[i]);
    }
    DEVICE_MEMBER void widen_all(wide<S> (&to)[EACH][WIDTH]) const {
#pragma unroll
        for (int e = 0; e < EACH; e++)
#pragma unroll
            for (int i = 0; i < WIDTH; i++) to[e][i] = element(e, i);
    }
    static DEVICE_MEMBER void write(void *row, i64 n, const wide<S> (&from)[EACH][WIDTH]) {
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            load made;
            if constexpr (WIDTH > 1)
                narrow_all((S *)&made, from[e]);
            else
                narrow(&made, from[e][0]);
            if (first(e) < n) *(load *)((S *)row + first(e)) = made;
        }
    }
};

/* Both sums over the block, in every thread: the upper half of a warp's lanes goes on with b. room: 64 entries, others
   each time until all threads have met again. */
template <class T> DEVICE void sum_both(T &a, T &b, T *room) {
    const int lane = threadIdx.x % 32, place = lane % 16, warps = blockDim.x / 32;
    const bool upper = lane >= 16;
    T *mine = room + (upper ? 32 : 0), sum = (upper ? b : a) + from_lane(upper ? a : b, 16);
#pragma unroll
    for (int step = 8; step; step /= 2) sum += from_lane(sum, step);
    if (place == 0) mine[threadIdx.x / 32] = sum;
    __syncthreads();
    sum = (place < warps ? mine[place] : (T)0) + (place + 16 < warps ? mine[place + 16] : (T)0);
#pragma unroll
    for (int step = 8; step; step /= 2) sum += from_lane(sum, step);
    const T other = from_lane(sum, 16);
    a = upper ? other : sum, b = upper ? sum : other;
}

DEVICE float inverse_root(float x) {
    return ::rsqrtf(x);
}
DEVICE double inverse_root(double x) {
    return 1 / ::sqrt(x);
}

/* One row, in place of x its gradient. Elements beyond the row are zeros in x and g. SUMS: somebody reads what the
   weight or the bias takes. */
template <class S, int EACH, int WIDTH, int OF, bool SUMS> struct one_row {
    typedef wide<S> T;
    typedef row_loads<S, EACH, WIDTH> loads;
    T x[EACH][WIDTH], g[EACH][WIDTH];

    template <class F> static DEVICE_MEMBER void each(F change) {
#pragma unroll
        for (int e = 0; e < EACH; e++)
#pragma unroll
            for (int i = 0; i < WIDTH; i++) change(e, i);
    }
    DEVICE_MEMBER void of_softmax(T *room) {
        T along = 0, nothing = 0;
        each([&](int e, int i) { along += x[e][i] * g[e][i]; });
        sum_both(along, nothing, room);
        each([&](int e, int i) { x[e][i] *= g[e][i] - along; });
    }
    /* x becomes its distance from the mean; returns the mean of h. */
    DEVICE_MEMBER T centre(const row_gradient_kernel &k, T share, T *room) {
        T mean = 0, rest = 0;
        loads weight;
        weight.fetch_weights(k);
        each([&](int e, int i) { mean += x[e][i], rest += weight.element(e, i) * g[e][i]; });
        sum_both(mean, rest, room);
        mean *= share;
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            const T less = loads::first(e) < k.n ? mean : (T)0;
#pragma unroll
            for (int i = 0; i < WIDTH; i++) x[e][i] -= less;
        }
        return rest * share;
    }
    /* h = g * weight is made anew of the cache's weights where it is needed: held, they would leave too few registers.
     */
    DEVICE_MEMBER void of_norm(const row_gradient_kernel &k, T share, T (&weight_sum)[EACH][WIDTH],
                               T (&bias_sum)[EACH][WIDTH], T *room) {
        T squares = 0, along = 0, rest = 0;
        loads weight;
        if (OF == LAYER_NORM_ROW) rest = centre(k, share, room + 64);
        weight.fetch_weights(k);
        each([&](int e, int i) {
            squares += x[e][i] * x[e][i];
            along += weight.element(e, i) * g[e][i] * x[e][i];
        });
        sum_both(squares, along, room);
        const T scale = inverse_root(squares * share + (T)k.eps), by = along * scale * share;
        weight.fetch_weights(k);
        each([&](int e, int i) {
            const T normed = x[e][i] * scale, h = weight.element(e, i) * g[e][i];
            if (SUMS) weight_sum[e][i] += g[e][i] * normed;
            if (SUMS && OF == LAYER_NORM_ROW) bias_sum[e][i] += g[e][i];
            x[e][i] = scale * (h - rest - normed * by);
        });
    }
};

template <class S, int EACH, int WIDTH, int OF, bool SUMS>
__global__ void __launch_bounds__(1024) row_gradients(const __grid_constant__ row_gradient_kernel k) {
    typedef wide<S> T;
    typedef row_loads<S, EACH, WIDTH> loads;
    __shared__ T room[2][128]; /* of this row and the next one: nobody is two rows behind */
    T weight_sum[EACH][WIDTH] = {}, bias_sum[EACH][WIDTH] = {};
    loads next_x, next_g;
    one_row<S, EACH, WIDTH, OF, SUMS> row;
    const S *x = (const S *)k.from + blockIdx.x * k.n, *g = (const S *)k.gradient + blockIdx.x * k.n;
    const i64 step = gridDim.x * k.n;
    const T share = 1 / (T)k.n;
    begin();
    next_x.fetch(x, k.n), next_g.fetch(g, k.n);
    int turn = 0;
    for (i64 at = blockIdx.x; at < k.rows; at += gridDim.x, turn ^= 1) {
        next_x.widen_all(row.x), next_g.widen_all(row.g);
        x += step, g += step;
        if (at + gridDim.x < k.rows) next_x.fetch(x, k.n), next_g.fetch(g, k.n);
        if constexpr (OF == SOFTMAX_ROW)
            row.of_softmax(room[turn]);
        else
            row.of_norm(k, share, weight_sum, bias_sum, room[turn]);
        if (k.to) loads::write((S *)k.to + at * k.n, k.n, row.x);
    }
    if (!SUMS) return;
    T *sums = (T *)k.partial + blockIdx.x * 2 * k.n;
    row.each([&](int e, int i) {
        i64 column = loads::first(e) + i;
        if (column >= k.n) return;
        sums[column] = weight_sum[e][i];
        if (OF == LAYER_NORM_ROW) sums[k.n + column] = bias_sum[e][i];
    });
}

/* Sums of `blocks` blocks: 32 columns a block, a row of threads for each 32nd of the blocks; y = 1: of the bias. */
template <class S>
__global__ void __launch_bounds__(1024) sum_of_blocks(const __grid_constant__ row_gradient_kernel k, int blocks) {
    typedef wide<S> T;
    __shared__ T room[32][33];
    const int x = threadIdx.x % 32, y = threadIdx.x / 32;
    const i64 column = blockIdx.x * 32ll + x;
    S *to = (S *)(blockIdx.y ? k.bias_to : k.weight_to);
    T sum = 0;
    begin();
    if (!to) return;
    const T *from = (const T *)k.partial + blockIdx.y * k.n + column;
#pragma unroll 8
    for (int b = y; b < blocks; b += 32)
        if (column < k.n) sum += from[b * 2 * k.n];
    room[y][x] = sum;
    __syncthreads();
    sum = room[x][y]; /* a warp has what belongs to a column */
    for (int step = 16; step; step /= 2) sum += from_lane(sum, step);
    if (x == 0 && blockIdx.x * 32ll + y < k.n) narrow(to + blockIdx.x * 32ll + y, sum);
}

/* ---- how: as many blocks as fill the chip, and rows enough for each that its sums are few */
static int each_of(const row_gradient_kernel *k, int width) {
    return k->n <= 1024 * width ? 1 : ROW_GRADIENT_MOST / width / 1024;
}
static int threads_of(const row_gradient_kernel *k, int width) {
    return (int)(blocks_for(blocks_for(k->n, width * each_of(k, width)), 32) * 32);
}
static int blocks_of(const row_gradient_kernel *k, int width) {
    enum { THREADS = 1 << 17, LEAST_ROWS = 4 }; /* of softmax twice as many: they have fewer registers */
    i64 most = (k->of == SOFTMAX_ROW ? 2 : 1) * THREADS / threads_of(k, width),
        blocks = blocks_for(k->rows, LEAST_ROWS);
    return (int)(blocks < most ? blocks : most);
}

static bool has_sums(const row_gradient_kernel *k) {
    return k->weight_to || k->bias_to;
}

template <class S, int EACH, int WIDTH> static void launch_each(const row_gradient_kernel *k, kernel_stream stream) {
    const int blocks = blocks_of(k, WIDTH);
    const bool sums = has_sums(k);
    void (*kernel)(row_gradient_kernel) = k->of == SOFTMAX_ROW ? row_gradients<S, EACH, WIDTH, SOFTMAX_ROW, false>
                                          : k->of == RMS_NORM_ROW
                                              ? sums ? row_gradients<S, EACH, WIDTH, RMS_NORM_ROW, true>
                                                     : row_gradients<S, EACH, WIDTH, RMS_NORM_ROW, false>
                                          : sums ? row_gradients<S, EACH, WIDTH, LAYER_NORM_ROW, true>
                                                 : row_gradients<S, EACH, WIDTH, LAYER_NORM_ROW, false>;
    start(kernel, (unsigned)blocks, (unsigned)threads_of(k, WIDTH), 0, stream, *k);
    if (sums) start(sum_of_blocks<S>, dim3(blocks_for(k->n, 32), 2), 1024, 0, stream, *k, blocks);
}

template <class S, int WIDTH> static void launch_width(const row_gradient_kernel *k, kernel_stream stream) {
    constexpr int MOST = ROW_GRADIENT_MOST / WIDTH / 1024; /* what holds the longest row */
    each_of(k, WIDTH) == 1 ? launch_each<S, 1, WIDTH>(k, stream) : launch_each<S, MOST, WIDTH>(k, stream);
}

template <class S> static void launch(const row_gradient_kernel *k, kernel_stream stream) {
    if (k->n % PIECE<S> == 0 && lie_at_16(k->to, k->gradient, k->from, k->weight))
        launch_width<S, PIECE<S>>(k, stream);
    else
        launch_width<S, 1>(k, stream);
}

/* Whatever the width of loads, which the addresses decide. */
int64_t row_gradient_bytes(const row_gradient_kernel *k) {
    const int bytes = k->dtype == D_F64 ? 8 : 4, wide = blocks_of(k, k->dtype <= D_BF16 ? 8 : 16 / bytes),
              narrow = blocks_of(k, 1);
    return has_sums(k) ? (i64)(wide > narrow ? wide : narrow) * 2 * k->n * bytes : 0;
}

void launch_row_gradient(const row_gradient_kernel *k, kernel_stream stream) {
    FLOATS(k->dtype, launch<type>(k, stream))
}
