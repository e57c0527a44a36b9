/* What stands in for device.cuh where kernels run without a card: their source, compiled as C++, each thread of a block
   a fiber, blocks one after the other. Lanes meet where they exchange numbers, warps at barriers; a fiber that waits
   gives way to the next one. Shared memory is filled with ones before each block, and what a block asked for is the
   most that addresses reach. Clusters are not emulated. */
#ifndef CUDA_DEVICE_CUH
#define CUDA_DEVICE_CUH

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <ucontext.h>
#include <vector>

/* ---- the language */
#define __device__
#define __host__
#define __global__      static
#define __forceinline__ inline
#define __grid_constant__
#define __launch_bounds__(...)
#define __shared__       thread_local /* of all fibers: they are of one thread */
#define __align__(bytes) __attribute__((aligned(bytes)))
#define DEVICE           static inline
#define DEVICE_MEMBER    inline

typedef long long i64;
typedef unsigned long long u64;
typedef unsigned int u32;
struct uint2 {
    u32 x, y;
};
struct alignas(16) uint4 {
    u32 x, y, z, w;
};
struct float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct dim3 {
    u32 x, y, z;
    dim3(u32 x = 1, u32 y = 1, u32 z = 1) : x(x), y(y), z(z) {}
};
DEVICE uint2 make_uint2(u32 x, u32 y) {
    return {x, y};
}
DEVICE uint4 make_uint4(u32 x, u32 y, u32 z, u32 w) {
    return {x, y, z, w};
}
DEVICE float2 make_float2(float x, float y) {
    return {x, y};
}
using std::max;
using std::min;
DEVICE u32 min(u32 a, int b) {
    return std::min(a, (u32)b);
}

static dim3 threadIdx, blockIdx, blockDim, gridDim;
static constexpr int SHARED_BYTES = 227 << 10, WARP = 32;
alignas(1024) thread_local uint4 shared[SHARED_BYTES / sizeof(uint4)];
static size_t shared_used;

[[noreturn]] static void emulation_fails(const char *why, u64 at) {
    printf("emulated kernel: %s (%llu), thread %u of block %u\n", why, at, threadIdx.x, blockIdx.x);
    exit(1);
}

/* ---- fibers */
namespace fibers {
static constexpr int STACK = 128 << 10, MOST = 1024;
static ucontext_t scheduler, contexts[MOST];
static std::vector<char> stacks;
static bool over[MOST];
static int count, now;
static std::function<void()> body;

static void enter() {
    body();
    over[now] = true;
    swapcontext(&contexts[now], &scheduler);
}
static void give_way() {
    swapcontext(&contexts[now], &scheduler);
}
static void run_block(int threads) {
    stacks.resize((size_t)STACK * MOST);
    count = threads;
    for (int i = 0; i < threads; i++) {
        getcontext(&contexts[i]);
        contexts[i].uc_stack.ss_sp = &stacks[(size_t)STACK * i];
        contexts[i].uc_stack.ss_size = STACK;
        over[i] = false;
        makecontext(&contexts[i], enter, 0);
    }
    for (bool more = true; more;) {
        more = false;
        for (now = 0; now < threads; now++) {
            if (over[now]) continue;
            threadIdx.x = (u32)now;
            swapcontext(&scheduler, &contexts[now]);
            more |= !over[now];
        }
    }
}

struct meeting {
    int here = 0;
    long number = 0;

    void wait(int parties) {
        const long mine = number;
        if (++here == parties) {
            here = 0, number++;
            return;
        }
        while (number == mine) give_way();
    }
};
static meeting block, warps[MOST / WARP];
static meeting &own_warp() {
    return warps[now / WARP];
}

static u64 slots[MOST];
/* What lane `from` of those in the mask has. */
template <class T> static T exchange(T x, int from, u32 mask = ~0u) {
    const int first = now / WARP * WARP, parties = std::popcount(mask);
    T y;
    slots[now] = 0;
    memcpy(&slots[now], &x, sizeof x);
    own_warp().wait(parties);
    memcpy(&y, &slots[first + (from < WARP && mask >> from & 1 ? from : now % WARP)], sizeof y);
    own_warp().wait(parties);
    return y;
}

/* Those that come here while each other fiber runs once. */
static u32 active[MOST / WARP];
static u32 active_lanes() {
    u32 &lanes = active[now / WARP];
    lanes |= 1u << now % WARP;
    give_way();
    const u32 mask = lanes;
    own_warp().wait(std::popcount(mask));
    lanes = 0;
    own_warp().wait(std::popcount(mask));
    return mask;
}
} // namespace fibers

#define __syncthreads() fibers::block.wait(fibers::count)
#define __syncwarp()    fibers::own_warp().wait(WARP)
#define __activemask()  fibers::active_lanes()
template <class T> static T __shfl_sync(u32 mask, T x, int from) {
    return fibers::exchange(x, from, mask);
}
template <class T> static T __shfl_down_sync(u32 mask, T x, int by) {
    return fibers::exchange(x, fibers::now % WARP + by, mask);
}
template <class T> static T from_lane(T x, int step) {
    return fibers::exchange(x, fibers::now % WARP ^ step);
}
DEVICE int warp_number() {
    return (int)threadIdx.x / WARP;
}

/* ---- numbers */
DEVICE u32 __float_as_uint(float x) {
    return std::bit_cast<u32>(x);
}
DEVICE float __uint_as_float(u32 x) {
    return std::bit_cast<float>(x);
}
DEVICE float __int_as_float(int x) {
    return std::bit_cast<float>(x);
}
DEVICE float __fdividef(float a, float b) {
    return a / b;
}
DEVICE u32 __byte_perm(u32 a, u32 b, u32 which) {
    const u64 both = (u64)b << 32 | a;
    u32 result = 0;
    for (int i = 0; i < 4; i++) result |= (u32)(both >> 8 * (which >> 4 * i & 7) & 255) << 8 * i;
    return result;
}
struct float16 {
    unsigned short bits;
};
struct bfloat16 {
    unsigned short bits;
};
DEVICE float widen(float16 x) {
    return (float)std::bit_cast<_Float16>(x.bits);
}
DEVICE float widen(bfloat16 x) {
    return __uint_as_float((u32)x.bits << 16);
}
DEVICE float widen(float x) {
    return x;
}
DEVICE void narrow(float *to, float x) {
    *to = x;
}
DEVICE void narrow(float16 *to, float x) {
    to->bits = std::bit_cast<unsigned short>((_Float16)x);
}
DEVICE void narrow(bfloat16 *to, float x) {
    const u32 u = __float_as_uint(x);
    to->bits = (unsigned short)(std::isnan(x) ? 0x7FFF : (u + 0x7FFF + (u >> 16 & 1)) >> 16);
}
template <class S> static u32 pair_of(float low, float high, S) {
    S a, b;
    narrow(&a, low), narrow(&b, high);
    return a.bits | (u32)b.bits << 16;
}
template <class S> using wide = float;
template <class S> constexpr int PIECE = 16 / (int)sizeof(S);
template <class S> DEVICE void widen_piece(uint4 piece, float (&to)[PIECE<S>]) {
    S from[PIECE<S>];
    memcpy(from, &piece, sizeof from);
    for (int i = 0; i < PIECE<S>; i++) to[i] = widen(from[i]);
}
template <class S> DEVICE uint4 narrow_piece(const float (&from)[PIECE<S>]) {
    S to[PIECE<S>];
    for (int i = 0; i < PIECE<S>; i++) narrow(&to[i], from[i]);
    uint4 piece;
    memcpy(&piece, to, sizeof piece);
    return piece;
}
namespace language {
static float sqrt(float x) {
    return sqrtf(x);
}
static float exp(float x) {
    return expf(x);
}
static float cos(float x) {
    return cosf(x);
}
static float sin(float x) {
    return sinf(x);
}
} // namespace language

/* ---- memory, and the kernel before */
DEVICE void let_next_begin() {}
DEVICE void await_previous() {}
DEVICE void fetch(const void *) {}
template <class T> DEVICE void hold(T &) {}
template <class T> DEVICE void hold_address(T *&) {}
template <class C> DEVICE C read_number(const void *from) {
    C x;
    memcpy(&x, from, sizeof x);
    return x;
}
DEVICE uint4 read_piece(const void *from) {
    if ((uintptr_t)from % 16) emulation_fails("16 bytes are not read at a multiple of 16", (uintptr_t)from);
    return *(const uint4 *)from;
}
DEVICE uint4 stream_piece(const void *from) {
    return read_piece(from);
}
static bool lie_at_16(const void *a, const void *b = 0, const void *c = 0, const void *d = 0) {
    return (((uintptr_t)a | (uintptr_t)b | (uintptr_t)c | (uintptr_t)d) & 15) == 0;
}
DEVICE i64 integer_at(const void *from, i64 i, int) {
    return ((const int *)from)[i];
}

/* ---- launching */
#include "cuda/dtypes.cuh"
#include "cuda/kernels.h"

static int processors = 132; /* that the launchers are told of */
int cuda_processors() {
    return processors;
}
int cuda_shared_bytes() {
    return SHARED_BYTES;
}
template <class K> static void allow_shared(K, size_t) {}

template <class... P, class... A>
static void start(void (*kernel)(P...), dim3 blocks, dim3 threads, size_t bytes, kernel_stream, const A &...arguments) {
    if (bytes > SHARED_BYTES) emulation_fails("more shared memory than there is", bytes);
    gridDim = blocks, blockDim = threads, shared_used = bytes;
    fibers::body = [&] { kernel(arguments...); };
    for (blockIdx.y = 0; blockIdx.y < blocks.y; blockIdx.y++)
        for (blockIdx.x = 0; blockIdx.x < blocks.x; blockIdx.x++) {
            memset(shared, 0xFF, sizeof shared);
            fibers::run_block((int)threads.x);
        }
}

#endif
