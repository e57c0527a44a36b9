/* Blocks of a cluster (compute capability 9.0): they wait for each other and write into each other's shared memory. */
#ifndef CUDA_CLUSTER_CUH
#define CUDA_CLUSTER_CUH

#include "cuda/barrier.cuh"
#include "cuda/shared.cuh"

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
/* That the block has begun. What it wrote is not told by this, which would be waited for. */
DEVICE void begin_in_cluster() {
    asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
}
/* With all that it wrote, anywhere: a microsecond where that is much. */
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

/* ---- What blocks send into each other's shared memory, counted in bytes by a barrier in the memory that it is sent
 * to: nothing else is waited for. */
DEVICE u32 address_in_block(const void *mine, int rank) {
    u32 there;
    asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(shared_address(mine)), "r"(rank));
    return there;
}
/* At another block's barrier, which lies there where this one's does. */
DEVICE void arrive_in_block(u32 barrier, int rank) {
    asm volatile("{\n.reg .b32 there;\nmapa.shared::cluster.u32 there, %0, %1;\n"
                 "mbarrier.arrive.shared::cluster.b64 _, [there];\n}" ::"r"(barrier),
                 "r"(rank)
                 : "memory");
}
/* Both by one thread: before begin_in_cluster, and some time after, behind a barrier of the block. */
DEVICE void make_arrival(u64 *arrived) {
    barrier_init(shared_address(arrived), 1);
    tell_barriers();
}
DEVICE void expect_bytes(u64 *arrived, u32 bytes) {
    barrier_expect(shared_address(arrived), bytes);
}
/* To where `mine` lies, behind await_cluster. */
DEVICE void send_to_block(float4 *mine, int rank, float4 x, u64 *arrived) {
    asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.f32 [%0], {%1,%2,%3,%4}, [%5];" ::"r"(
                     address_in_block(mine, rank)),
                 "f"(x.x), "f"(x.y), "f"(x.z), "f"(x.w), "r"(address_in_block(arrived, rank))
                 : "memory");
}
DEVICE void send_to_block(float2 *mine, int rank, float2 x, u64 *arrived) {
    asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v2.f32 [%0], {%1,%2}, [%3];" ::"r"(
                     address_in_block(mine, rank)),
                 "f"(x.x), "f"(x.y), "r"(address_in_block(arrived, rank))
                 : "memory");
}
DEVICE void await_bytes(u64 *arrived) {
    barrier_await_blocks(shared_address(arrived), 0);
}
#else /* never launched */
DEVICE void begin_in_cluster() {}
DEVICE void arrive_in_cluster() {}
DEVICE void make_arrival(u64 *) {}
DEVICE void expect_bytes(u64 *, u32) {}
template <class T> DEVICE void send_to_block(T *, int, T, u64 *) {}
DEVICE void await_bytes(u64 *) {}
DEVICE void await_cluster() {}
template <class T> DEVICE T *in_block(T *mine, int) {
    return mine;
}
#endif

#endif
