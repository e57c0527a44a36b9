/* Copies. Host memory is not page-locked as a rule, so that its bytes go through pieces that are: while the device
   moves one, threads fill or empty the other: a single one would be slower than the link. For a long copy to the device
   each thread has pieces of its own, so that none waits for the others. The source of a copy to the device has been
   read when cuda_copy returns. */
#include "cuda/cuda.h"

#include <emmintrin.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"

enum {
    PIECE = 4 << 20,
    SHARE = 256 << 10, /* bytes that are worth a thread of their own */
    OWN_PIECE = 512 << 10,
    MOST_LANES = 16 /* enough for the link, with 16 MiB of page-locked memory */
};

static void free_lanes(copy_lanes *s) {
    for (int i = 0; i < s->count * LANE_PIECES; i++) {
        cudaEvent_t event = s->lanes[i / LANE_PIECES].free[i % LANE_PIECES];
        if (event) cudaEventDestroy(event);
    }
    if (s->room) cudaFreeHost(s->room);
    memory_free(s->lanes);
    *s = (copy_lanes){0};
}

/* All of them, or none. */
static bool make_lanes(copy_lanes *s, int count, size_t piece) {
    if (s->lanes) return true;
    if (!(s->lanes = NEW_ARRAY(copy_lane, count))) return false;
    s->count = count;
    bool ok = cuda_ok(cudaHostAlloc((void **)&s->room, (size_t)count * LANE_PIECES * piece, cudaHostAllocDefault),
                      "page-locked memory");
    for (int i = 0; ok && i < count * LANE_PIECES; i++) {
        copy_lane *l = &s->lanes[i / LANE_PIECES];
        l->pieces[i % LANE_PIECES] = s->room + (size_t)i * piece;
        ok = cuda_ok(cudaEventCreateWithFlags(&l->free[i % LANE_PIECES], cudaEventDisableTiming), "an event");
    }
    if (!ok) free_lanes(s);
    return ok;
}

void cuda_staging_free(staging *s) {
    free_lanes(&s->shared);
    free_lanes(&s->own);
}

static size_t piece_bytes(int64_t left) {
    return left < PIECE ? (size_t)left : (size_t)PIECE;
}

typedef struct {
    char *to;
    const char *from;
} host_copy;

static void empty_share(void *context, int64_t begin, int64_t end, int thread, int threads) {
    const host_copy *c = context;
    (void)thread, (void)threads;
    memcpy(c->to + begin, c->from + begin, (size_t)(end - begin));
}

/* Past the caches: out of those of many processors the device reads half as fast. Pieces are page-locked, and shares
   multiples of 16 bytes. */
static void fill_share(void *context, int64_t begin, int64_t end, int thread, int threads) {
    const host_copy *c = context;
    int64_t at = begin;
    (void)thread, (void)threads;
    for (; at + 16 <= end; at += 16)
        _mm_stream_si128((__m128i *)(void *)(c->to + at),
                         _mm_loadu_si128((const __m128i *)(const void *)(c->from + at)));
    memcpy(c->to + at, c->from + at, (size_t)(end - at));
    _mm_sfence();
}

/* Of at most a piece. */
static bool to_device(copy_lane *s, cudaStream_t stream, const block_copy *c) {
    unsigned i = s->next++ % LANE_PIECES;
    if (!cuda_ok(cudaEventSynchronize(s->free[i]), "waiting for a copy")) return false;
    parallel_for(c->bytes, SHARE, fill_share, &(host_copy){s->pieces[i], c->from});
    return cuda_ok(cudaMemcpyAsync(c->to, s->pieces[i], (size_t)c->bytes, cudaMemcpyHostToDevice, stream),
                   "copying to the device") &&
           cuda_ok(cudaEventRecord(s->free[i], stream), "recording an event");
}

typedef struct {
    const block_copy *copy;
    copy_lane *lanes;
    cudaStream_t stream;
    int device;
    _Atomic(cudaError_t) error; /* of any thread */
} lane_copy;

static cudaError_t bring_piece(const lane_copy *c, copy_lane *l, int64_t at, int64_t bytes) {
    unsigned i = l->next++ % LANE_PIECES;
    cudaError_t error = cudaEventSynchronize(l->free[i]);
    if (error) return error;
    fill_share(&(host_copy){l->pieces[i], (const char *)c->copy->from + at}, 0, bytes, 0, 1);
    error = cudaMemcpyAsync((char *)c->copy->to + at, l->pieces[i], (size_t)bytes, cudaMemcpyHostToDevice, c->stream);
    return error ? error : cudaEventRecord(l->free[i], c->stream);
}

static void bring(void *context, int64_t begin, int64_t end, int thread, int threads) {
    lane_copy *c = context;
    cudaError_t error = cudaSetDevice(c->device);
    (void)threads;
    for (int64_t at = begin; at < end && !error && !atomic_load(&c->error); at += OWN_PIECE)
        error = bring_piece(c, &c->lanes[thread], at, end - at < OWN_PIECE ? end - at : OWN_PIECE);
    if (error) atomic_store(&c->error, error);
}

/* All of it is in the stream when this returns: what is recorded there afterwards comes after it. */
static bool by_lanes(int device, const copy_lanes *s, cudaStream_t stream, const block_copy *c) {
    lane_copy all = {c, s->lanes, stream, device, cudaSuccess};
    int before = parallel_fix(s->count);
    parallel_for(c->bytes, OWN_PIECE, bring, &all);
    parallel_fix(before);
    return cuda_ok(atomic_load(&all.error), "copying to the device");
}

static bool fetch(copy_lane *s, cudaStream_t stream, const block_copy *c, int64_t at, unsigned i) {
    return cuda_ok(cudaEventSynchronize(s->free[i]), "waiting for a copy") &&
           cuda_ok(cudaMemcpyAsync(s->pieces[i], (const char *)c->from + at, piece_bytes(c->bytes - at),
                                   cudaMemcpyDeviceToHost, stream),
                   "copying to the host") &&
           cuda_ok(cudaEventRecord(s->free[i], stream), "recording an event");
}

static bool empty(copy_lane *s, const block_copy *c, int64_t at, unsigned i) {
    if (!cuda_ok(cuda_await_event(s->free[i]), "copying to the host")) return false;
    parallel_for((int64_t)piece_bytes(c->bytes - at), SHARE, empty_share,
                 &(host_copy){(char *)c->to + at, s->pieces[i]});
    return true;
}

static bool to_host(copy_lane *s, cudaStream_t stream, const block_copy *c) {
    unsigned first = s->next;
    int64_t pieces = (c->bytes + PIECE - 1) / PIECE;
    for (int64_t i = 0; i <= pieces; i++) {
        unsigned slot = (first + (unsigned)i) % LANE_PIECES, before = (first + (unsigned)i - 1) % LANE_PIECES;
        if (i < pieces && !fetch(s, stream, c, i * PIECE, slot)) return false;
        if (i > 0 && !empty(s, c, (i - 1) * PIECE, before)) return false;
    }
    s->next = first + (unsigned)pieces;
    return true;
}

/* The driver copies by way of the host unless the device, which is the calling thread's, may reach the other's memory.
   Whether it refuses that or another library has asked before, the copy itself goes on. */
static void reach_peer(int device, int peer) {
    static atomic_bool asked[MOST_DEVICES][MOST_DEVICES];
    if (device >= MOST_DEVICES || peer >= MOST_DEVICES || atomic_exchange(&asked[device][peer], true)) return;
    if (cudaDeviceEnablePeerAccess(peer, 0) != cudaSuccess) cudaGetLastError();
}

static bool from_peer(int device, cudaStream_t stream, const block_copy *c) {
    reach_peer(device, c->peer);
    return cuda_ok(cudaMemcpyPeerAsync(c->to, device, c->from, c->peer, (size_t)c->bytes, stream),
                   "copying from another device");
}

bool cuda_copy(int device, staging *s, cudaStream_t stream, const block_copy *c) {
    if (c->bytes == 0) return true;
    if (c->direction == COPY_FROM_PEER) return from_peer(device, stream, c);
    if (c->direction == COPY_TO_DEVICE && c->bytes > PIECE) {
        int threads = parallel_threads();
        return make_lanes(&s->own, threads < MOST_LANES ? threads : MOST_LANES, OWN_PIECE) &&
               by_lanes(device, &s->own, stream, c);
    }
    if (!make_lanes(&s->shared, 1, PIECE)) return false;
    return c->direction == COPY_TO_DEVICE ? to_device(s->shared.lanes, stream, c) : to_host(s->shared.lanes, stream, c);
}
