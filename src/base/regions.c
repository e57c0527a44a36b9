/* A region is 8 MiB of huge pages, shared out in runs of units; a flag for each unit says whether it is taken. A region
   without blocks goes back to the system, unless it is the last one. */
#include "base/regions.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { REGION = 8 << 20, UNIT = 16 << 10, UNITS = REGION / UNIT, LEAST = 64 << 10, MOST = 4 << 20, BUCKETS = 256 };

typedef struct region region;
struct region {
    char *memory;
    int taken;            /* units */
    uint16_t runs[UNITS]; /* units of the block that begins here; 0: none does */
    bool in_use[UNITS];
    region *next, *next_in_bucket;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static region *regions, *buckets[BUCKETS]; /* by address: regions lie at multiples of their size */

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { SERVING = false }; /* the sanitizer knows only the ends of blocks that it gave itself */
#else
enum { SERVING = true };
#endif

static uintptr_t number_of(const void *address) {
    return (uintptr_t)address / REGION;
}

static region *new_region(void) {
    region *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->memory = aligned_alloc(REGION, REGION);
    if (!r->memory) return free(r), NULL;
    madvise(r->memory, REGION, MADV_HUGEPAGE);
    region **bucket = &buckets[number_of(r->memory) % BUCKETS];
    r->next = regions;
    r->next_in_bucket = *bucket;
    return regions = *bucket = r;
}

/* The first of `count` free units in a row, or -1. */
static int find_run(const region *r, int count) {
    if (UNITS - r->taken < count) return -1;
    for (int begin = 0, i = 0; i < UNITS; i++) {
        if (r->in_use[i]) begin = i + 1;
        if (i + 1 - begin == count) return begin;
    }
    return -1;
}

static void *take_run(region *r, int begin, int count) {
    memset(r->in_use + begin, true, (size_t)count);
    r->runs[begin] = (uint16_t)count;
    r->taken += count;
    return r->memory + (size_t)begin * UNIT;
}

void *regions_take(size_t bytes) {
    if (!SERVING || bytes < LEAST || bytes >= MOST) return NULL;
    int count = (int)((bytes + UNIT - 1) / UNIT), begin = -1;
    pthread_mutex_lock(&lock);
    region *r = regions;
    while (r && (begin = find_run(r, count)) < 0) r = r->next;
    if (!r && (r = new_region())) begin = 0;
    void *block = r ? take_run(r, begin, count) : NULL;
    pthread_mutex_unlock(&lock);
    return block;
}

/* Where the bucket's list has the region around a block; NULL there: no region has it. */
static region **place_of(const void *block) {
    uintptr_t number = number_of(block);
    region **place = &buckets[number % BUCKETS];
    while (*place && number_of((*place)->memory) != number) place = &(*place)->next_in_bucket;
    return place;
}

static void free_if_empty(region **place) {
    region *r = *place, **in_list = &regions;
    if (r->taken || (r == regions && !r->next)) return;
    while (*in_list != r) in_list = &(*in_list)->next;
    *in_list = r->next;
    *place = r->next_in_bucket;
    free(r->memory);
    free(r);
}

bool regions_give_back(void *block) {
    pthread_mutex_lock(&lock);
    region **place = place_of(block), *r = *place;
    if (r) {
        size_t begin = (size_t)((char *)block - r->memory) / UNIT;
        memset(r->in_use + begin, false, r->runs[begin]);
        r->taken -= r->runs[begin];
        free_if_empty(place);
    }
    pthread_mutex_unlock(&lock);
    return r != NULL;
}

void regions_before_fork(void) {
    pthread_mutex_lock(&lock);
}

void regions_after_fork(void) {
    pthread_mutex_unlock(&lock);
}
