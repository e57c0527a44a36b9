/* Copies. Host memory is not page-locked as a rule, so that its bytes go through pieces that are: while the device
   moves one, threads fill or empty the other: a single one would be slower than the link. The source of a copy to the
   device has been read when cuda_copy returns. */
#include "cuda/cuda.h"

#include <emmintrin.h>
#include <string.h>

#include "base/threads.h"

enum { PIECE = 4 << 20, SHARE = 256 << 10 /* bytes that are worth a thread of their own */ };

static bool make_staging(staging *s) {
    if (s->pieces[STAGING_PIECES - 1]) return true;
    for (int i = 0; i < STAGING_PIECES; i++) {
        if (s->pieces[i]) continue;
        if (!s->free[i] && !cuda_ok(cudaEventCreateWithFlags(&s->free[i], cudaEventDisableTiming), "an event"))
            return false;
        if (!cuda_ok(cudaHostAlloc((void **)&s->pieces[i], PIECE, cudaHostAllocDefault), "page-locked memory"))
            return false;
    }
    return true;
}

void cuda_staging_free(staging *s) {
    for (int i = 0; i < STAGING_PIECES; i++) {
        if (s->pieces[i]) cudaFreeHost(s->pieces[i]);
        if (s->free[i]) cudaEventDestroy(s->free[i]);
    }
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

static bool to_device(staging *s, cudaStream_t stream, const block_copy *c) {
    for (int64_t at = 0; at < c->bytes; at += PIECE) {
        unsigned i = s->next++ % STAGING_PIECES;
        size_t bytes = piece_bytes(c->bytes - at);
        if (!cuda_ok(cudaEventSynchronize(s->free[i]), "waiting for a copy")) return false;
        parallel_for((int64_t)bytes, SHARE, fill_share, &(host_copy){s->pieces[i], (const char *)c->from + at});
        if (!cuda_ok(cudaMemcpyAsync((char *)c->to + at, s->pieces[i], bytes, cudaMemcpyHostToDevice, stream),
                     "copying to the device") ||
            !cuda_ok(cudaEventRecord(s->free[i], stream), "recording an event"))
            return false;
    }
    return true;
}

static bool fetch(staging *s, cudaStream_t stream, const block_copy *c, int64_t at, unsigned i) {
    return cuda_ok(cudaEventSynchronize(s->free[i]), "waiting for a copy") &&
           cuda_ok(cudaMemcpyAsync(s->pieces[i], (const char *)c->from + at, piece_bytes(c->bytes - at),
                                   cudaMemcpyDeviceToHost, stream),
                   "copying to the host") &&
           cuda_ok(cudaEventRecord(s->free[i], stream), "recording an event");
}

static bool empty(staging *s, const block_copy *c, int64_t at, unsigned i) {
    if (!cuda_ok(cuda_await_event(s->free[i]), "copying to the host")) return false;
    parallel_for((int64_t)piece_bytes(c->bytes - at), SHARE, empty_share,
                 &(host_copy){(char *)c->to + at, s->pieces[i]});
    return true;
}

static bool to_host(staging *s, cudaStream_t stream, const block_copy *c) {
    unsigned first = s->next;
    int64_t pieces = (c->bytes + PIECE - 1) / PIECE;
    for (int64_t i = 0; i <= pieces; i++) {
        unsigned slot = (first + (unsigned)i) % STAGING_PIECES, before = (first + (unsigned)i - 1) % STAGING_PIECES;
        if (i < pieces && !fetch(s, stream, c, i * PIECE, slot)) return false;
        if (i > 0 && !empty(s, c, (i - 1) * PIECE, before)) return false;
    }
    s->next = first + (unsigned)pieces;
    return true;
}

bool cuda_copy(int device, staging *s, cudaStream_t stream, const block_copy *c) {
    if (c->bytes == 0) return true;
    if (c->direction == COPY_FROM_PEER)
        return cuda_ok(cudaMemcpyPeerAsync(c->to, device, c->from, c->peer, (size_t)c->bytes, stream),
                       "copying from another device");
    if (!make_staging(s)) return false;
    return c->direction == COPY_TO_DEVICE ? to_device(s, stream, c) : to_host(s, stream, c);
}
