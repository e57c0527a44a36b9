/* Blocks of a cluster (compute capability 9.0): they wait for each other and write into each other's shared memory. */
#ifndef CUDA_ATTENTION_CLUSTER_CUH
#define CUDA_ATTENTION_CLUSTER_CUH

#include "cuda/device.cuh"

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
DEVICE void arrive_in_cluster() {
    asm volatile("barrier.cluster.arrive.aligned;" ::: "memory");
}
DEVICE void await_cluster() {
    asm volatile("barrier.cluster.wait.aligned;" ::: "memory");
}
/* What lies in another block's shared memory where `mine` lies in this one's. */
template <class T> DEVICE T *in_block(T *mine, int rank) {
    u64 there;
    asm volatile("mapa.u64 %0, %1, %2;" : "=l"(there) : "l"((u64)mine), "r"(rank));
    return (T *)there;
}
#else /* never launched */
DEVICE void arrive_in_cluster() {}
DEVICE void await_cluster() {}
template <class T> DEVICE T *in_block(T *mine, int) {
    return mine;
}
#endif

#endif
