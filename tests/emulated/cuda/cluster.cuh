/* What stands in for cluster.cuh where a cluster is one block. */
#ifndef CUDA_CLUSTER_CUH
#define CUDA_CLUSTER_CUH

#include "cuda/shared.cuh"

DEVICE void begin_in_cluster() {}
DEVICE void await_cluster() {}
DEVICE void make_arrival(u64 *) {}
DEVICE void expect_bytes(u64 *, u32) {}
DEVICE void await_bytes(u64 *) {}
template <class T> DEVICE void send_to_block(T *, int, T, u64 *) {
    emulation_fails("clusters are not emulated", 0);
}
template <class K, class... A>
static void start_clusters(K kernel, dim3 blocks, dim3 threads, size_t bytes, kernel_stream stream, const A &...all) {
    if (blocks.x != 1) emulation_fails("clusters are not emulated", blocks.x);
    start(kernel, blocks, threads, bytes, stream, all...);
}

#endif
