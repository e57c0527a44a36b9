/* Streams that random graphs are spread over, and what is left when they are done. */
#ifndef TESTS_GRAPH_STREAMS_H
#define TESTS_GRAPH_STREAMS_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "check.h"
#include "core/work.h"
#include "dice.h"
#include "tarn/memory.h"

enum { MOST_STREAMS = 4 };
static const tarn_device cpu = {TARN_CPU, 0}, mock = {TARN_MOCK, 0}, cuda = {TARN_CUDA, 0};
static tarn_stream *streams[MOST_STREAMS];
static int stream_first, stream_count; /* those that are taken */

static inline tarn_stream *dice_stream(void) {
    return stream_count ? streams[stream_first + dice(stream_count)] : NULL;
}

static inline void nap(submission *s) {
    work *w = (work *)s;
    usleep(300);
    work_complete(w);
    free(w);
}

/* A stream that falls behind: what others do with its results must wait. */
static inline void slow_down_a_stream(void) {
    work *w = stream_count ? calloc(1, sizeof *w) : NULL;
    if (!w) return;
    *w = (work){.s = {.done = nap}, .stream = dice_stream()};
    stream_submit(w);
}

/* ---- what is alive */

static inline int64_t active(tarn_device device) {
    tarn_memory m = {0};
    tarn_memory_info(device, &m);
    tarn_clear_error();
    return m.active;
}

static inline int64_t nodes_alive(void) {
    tarn_memory m = {0};
    tarn_memory_info(cpu, &m);
    return m.nodes;
}

/* ---- settings */

static inline int number_of(const char *name, int otherwise) {
    const char *given = getenv(name);
    return given ? atoi(given) : otherwise;
}

/* ccm: two further streams of the CPU and one of the mock device, which lacks most ops; g is one of a GPU. */
static inline void open_streams(const char *wish) {
    for (int i = 0; wish && wish[i] && i < MOST_STREAMS; i++) {
        streams[i] = tarn_stream_new(wish[i] == 'm' ? mock : wish[i] == 'g' ? cuda : cpu);
        CHECK(streams[i]);
        stream_count++;
    }
    if (wish && strchr(wish, 'm')) tarn_allow_fallback(true);
}

#endif
