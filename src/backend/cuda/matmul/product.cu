/* Products of dtypes that no library takes, and of any strides: an element a thread. */
#include "cuda/device.cuh"

template <class S> struct sum_type { typedef decltype(widen(S())) type; };
template <> struct sum_type<truth8> { typedef int type; };
template <> struct sum_type<float> { typedef double type; };
template <> struct sum_type<float16> { typedef double type; };
template <> struct sum_type<bfloat16> { typedef double type; };

template <class S> __global__ void multiply(const __grid_constant__ product_kernel k) {
    using namespace language;
    i64 j, i = divide(thread_number(), k.n, &j);
    if (i >= k.m) return;
    const S *a = (const S *)k.a + i * k.a_row, *b = (const S *)k.b + j * k.b_column;
    typename sum_type<S>::type sum = 0;
    for (i64 l = 0; l < k.k; l++)
        sum = sum +
              (typename sum_type<S>::type)widen(a[l * k.a_column]) * (typename sum_type<S>::type)widen(b[l * k.b_row]);
    narrow((S *)k.c + i * k.n + j, sum);
}

void launch_product(const product_kernel *k, kernel_stream stream) {
    unsigned blocks = blocks_for(k->m * k->n, 128);
    DTYPES(k->dtype, multiply<type><<<blocks, 128, 0, stream>>>(*k))
}
