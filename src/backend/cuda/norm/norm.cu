/* softmax and rms_norm of dense rows, a block each; rope, a thread for each pair. Half types in float, float64 in double. */
#include "cuda/device.cuh"

template <class S> using wide = decltype(widen(S()));

struct sum_of {
    template <class T> __device__ T operator()(T a, T b) const {
        return a + b;
    }
};
struct max_of {
    template <class T> __device__ T operator()(T a, T b) const {
        return language::max(a, b);
    }
};

template <class S> __global__ void softmax_rows(const __grid_constant__ norm_kernel k) {
    typedef wide<S> T;
    __shared__ T room[32];
    const S *x = (const S *)k.from + blockIdx.x * k.n;
    S *to = (S *)k.to + blockIdx.x * k.n;
    T lowest = -INFINITY, top = lowest, sum = 0;
    for (i64 i = threadIdx.x; i < k.n; i += blockDim.x) top = language::max(top, (T)widen(x[i]));
    top = fold_block(top, lowest, room, max_of());
    for (i64 i = threadIdx.x; i < k.n; i += blockDim.x) sum += language::exp((T)widen(x[i]) - top);
    sum = fold_block(sum, (T)0, room, sum_of());
    for (i64 i = threadIdx.x; i < k.n; i += blockDim.x) narrow(to + i, language::exp((T)widen(x[i]) - top) / sum);
}

template <class S> __global__ void rms_norm_rows(const __grid_constant__ norm_kernel k) {
    typedef wide<S> T;
    __shared__ T room[32];
    const S *x = (const S *)k.from + blockIdx.x * k.n, *weight = (const S *)k.weight;
    S *to = (S *)k.to + blockIdx.x * k.n;
    T sum = 0, eps = sizeof(T) == 8 ? (T)k.eps_wide : (T)k.eps;
    for (i64 i = threadIdx.x; i < k.n; i += blockDim.x) sum += (T)widen(x[i]) * (T)widen(x[i]);
    sum = fold_block(sum, (T)0, room, sum_of());
    T scale = 1 / language::sqrt(sum / (T)k.n + eps);
    for (i64 i = threadIdx.x; i < k.n; i += blockDim.x) {
        S y;
        narrow(&y, (T)widen(x[i]) * scale);
        if (weight)
            narrow(to + i, widen(y) * widen(weight[i]));
        else
            to[i] = y;
    }
}

static unsigned threads_for(i64 n) {
    return n <= 128 ? 32 : n <= 1024 ? 128 : n <= 8192 ? 256 : 1024;
}
void launch_softmax(const norm_kernel *k, kernel_stream stream) {
    FLOATS(k->dtype, softmax_rows<type><<<(unsigned)k->rows, threads_for(k->n), 0, stream>>>(*k))
}
void launch_rms_norm(const norm_kernel *k, kernel_stream stream) {
    FLOATS(k->dtype, rms_norm_rows<type><<<(unsigned)k->rows, threads_for(k->n), 0, stream>>>(*k))
}

/* ---- rope */
template <class S> DEVICE void rope_pair(const rope_kernel &k, const S *x, S *to, i64 pair, wide<S> position) {
    typedef wide<S> T;
    i64 half = k.dims / 2, first = k.traditional ? 2 * pair : pair, second = k.traditional ? first + 1 : pair + half;
    T turn = k.freqs ? 1 / (T)k.freqs[pair] : language::exp((T)pair * (T)(-k.log_base / half)), theta = position * turn;
    T u = widen(x[first]), v = widen(x[second]), c = language::cos(theta), s = language::sin(theta);
    narrow(to + first, u * c - v * s);
    narrow(to + second, u * s + v * c);
}

template <class S> __global__ void rope_rows(const __grid_constant__ rope_kernel k) {
    typedef wide<S> T;
    i64 half = k.dims / 2, each = half + (k.dim - k.dims), i, at, head;
    i64 row = divide(thread_number(), each, &i);
    if (row >= k.batch * k.heads * k.length) return;
    i64 batch = divide(divide(row, k.length, &at), k.heads, &head);
    const S *x = (const S *)k.from + batch * k.strides[0] + head * k.strides[1] + at * k.strides[2];
    S *to = (S *)k.to + row * k.dim;
    T position = ((T)at + (T)integer_at(k.offset, batch * k.offset_step, k.offset_dtype)) * (T)k.scale;
    if (i < half)
        rope_pair<S>(k, x, to, i, position);
    else
        to[k.dims + i - half] = x[k.dims + i - half];
}

void launch_rope(const rope_kernel *k, kernel_stream stream) {
    i64 n = k->batch * k->heads * k->length * (k->dims / 2 + k->dim - k->dims);
    FLOATS(k->dtype, rope_rows<type><<<blocks_for(n, 256), 256, 0, stream>>>(*k))
}
