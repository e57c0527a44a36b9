/* Barriers in shared memory, by address (compute capability 9.0): of arrivals, and of bytes that are on their way. */
#ifndef CUDA_BARRIER_CUH
#define CUDA_BARRIER_CUH

#include "cuda/device.cuh"

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
DEVICE void barrier_init(u32 barrier, u32 arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}
/* After the barriers of a block are made, before another block or the copy engine uses them. */
DEVICE void tell_barriers() {
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
DEVICE void barrier_expect(u32 barrier, u32 bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}
DEVICE void barrier_arrive(u32 barrier) {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

/* Until the phase of this parity is over: that before the first has parity 1. */
#define BARRIER_AWAIT(name, scope)                                                                                     \
    DEVICE void name(u32 barrier, u32 parity) {                                                                        \
        asm volatile("{\n"                                                                                             \
                     ".reg .pred over;\n"                                                                              \
                     "again:\n"                                                                                        \
                     "mbarrier.try_wait.parity" scope ".shared::cta.b64 over, [%0], %1;\n"                             \
                     "@over bra ended;\n"                                                                              \
                     "bra again;\n"                                                                                    \
                     "ended:\n"                                                                                        \
                     "}" ::"r"(barrier),                                                                               \
                     "r"(parity)                                                                                       \
                     : "memory");                                                                                      \
    }
BARRIER_AWAIT(barrier_await, "")
BARRIER_AWAIT(barrier_await_blocks, ".acquire.cluster") /* with what other blocks of the cluster sent */
#endif

#endif
