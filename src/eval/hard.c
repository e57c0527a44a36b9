#include "eval/hard.h"

#include <string.h>

#include "backend/backend.h"
#include "base/hard.h"
#include "base/memory.h"

typedef struct {
    void *block;
    size_t bytes;
} fill_job;

static void fill(void *context) {
    fill_job *job = context;
    memset(job->block, HARD_PATTERN, job->bytes);
    memory_free(job);
}

bool hard_fill(buffer *b, tarn_stream *stream) {
    void *block = b->copies[stream->slot].data;
    if (!hard_mode() || !stream->backend->host_memory || !block) return true;
    fill_job *job = NEW(fill_job);
    if (!job) return false;
    *job = (fill_job){block, (size_t)b->bytes + HARD_GUARD};
    if (stream->backend->host(stream->handle, fill, job)) return true;
    memory_free(job);
    return false;
}

bool hard_guard_holds(const buffer *b, const void *data) {
    const unsigned char *guard = (const unsigned char *)data + b->bytes;
    for (int i = 0; i < HARD_GUARD; i++)
        if (guard[i] != HARD_PATTERN) return false;
    return true;
}
