/* Device memory: each block is mapped twice over, at an address without access rights that the host knows it by, and at
   one that kernels use. Blocks are found by binary search among the host's addresses. */
#include "mock/mock.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "base/vector.h"

enum { PAGE = 4096 };

typedef struct {
    char *address, *memory; /* the host's, the kernels' */
    int64_t bytes, mapped;
    int device;
} block;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static VECTOR(block) blocks; /* by address */
static int64_t used[MOCK_MAX_DEVICES];

/* How many blocks begin at or before an address. */
static size_t blocks_up_to(const void *at) {
    size_t low = 0, high = blocks.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (blocks.items[middle].address <= (const char *)at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const block *block_around(const void *at) {
    size_t n = blocks_up_to(at);
    const block *b = n ? &blocks.items[n - 1] : NULL;
    return b && (const char *)at < b->address + b->mapped ? b : NULL;
}

static void unmap(const block *b) {
    if (b->address != MAP_FAILED) munmap(b->address, (size_t)b->mapped);
    if (b->memory != MAP_FAILED) munmap(b->memory, (size_t)b->mapped);
}

/* New memory holds bytes that make no sensible number, so that reading before writing shows. */
static bool map_block(block *b) {
    b->mapped = (b->bytes + 2 * PAGE - 1) / PAGE * PAGE;
    b->address = mmap(NULL, (size_t)b->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    b->memory = mmap(NULL, (size_t)b->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b->address != MAP_FAILED && b->memory != MAP_FAILED) {
        memset(b->memory, 0xFD, (size_t)b->bytes);
        return true;
    }
    unmap(b);
    return tarn_fail_kind(TARN_ERROR_MEMORY, "mock:%d: the system has no %lld bytes", b->device, (long long)b->bytes);
}

static bool insert(block b) {
    if (!vector_reserve(&blocks, 1)) return false;
    size_t place = blocks_up_to(b.address);
    memmove(blocks.items + place + 1, blocks.items + place, (blocks.count - place) * sizeof b);
    blocks.items[place] = b;
    blocks.count++;
    used[b.device] += b.bytes;
    return true;
}

static bool may_allocate(int device, int64_t bytes) {
    if (!mock_settings_good() || mock_is_lost(device)) return false;
    if (mock_fault_due(FAULT_ALLOCATION))
        return tarn_fail_kind(TARN_ERROR_MEMORY, "mock:%d: this allocation was told to fail", device);
    int64_t limit = mock_memory_limit();
    if (bytes >= 0 && bytes <= limit && used[device] <= limit - bytes) return true;
    return tarn_fail_kind(TARN_ERROR_MEMORY, "mock:%d: out of memory: %lld bytes more than the %lld in use exceed %lld",
                          device, (long long)bytes, (long long)used[device], (long long)limit);
}

void *mock_allocate(int device, int64_t bytes) {
    block b = {.bytes = bytes, .device = device};
    pthread_mutex_lock(&lock);
    bool ok = may_allocate(device, bytes) && map_block(&b);
    if (ok && !insert(b)) {
        unmap(&b);
        ok = false;
    }
    pthread_mutex_unlock(&lock);
    if (ok) mock_add(COUNT_BLOCKS, 1), mock_add(COUNT_BYTES, bytes);
    return mock_report(ok) ? b.address : NULL;
}

/* Takes the block that begins at `address` out of the list. */
static bool take(int device, const void *address, block *b) {
    size_t n = blocks_up_to(address);
    if (n == 0 || blocks.items[n - 1].address != address || blocks.items[n - 1].device != device) return false;
    *b = blocks.items[n - 1];
    memmove(blocks.items + n - 1, blocks.items + n, (blocks.count - n) * sizeof *b);
    blocks.count--;
    used[device] -= b->bytes;
    return true;
}

void mock_release(int device, void *address) {
    if (!address) return;
    block b;
    pthread_mutex_lock(&lock);
    bool found = take(device, address, &b);
    pthread_mutex_unlock(&lock);
    if (!found) {
        mock_report(mock_violation("mock:%d: released a block that it does not have", device));
        return;
    }
    unmap(&b);
    mock_add(COUNT_BLOCKS, -1);
    mock_add(COUNT_BYTES, -b.bytes);
}

void *mock_inside(int device, const void *from, int64_t bytes, const char *what) {
    pthread_mutex_lock(&lock);
    const block *found = block_around(from);
    block b = found ? *found : (block){0};
    pthread_mutex_unlock(&lock);
    if (!found) return mock_violation("mock:%d: %s is not in device memory", device, what), NULL;
    if (b.device != device) return mock_violation("mock:%d: %s is in memory of mock:%d", device, what, b.device), NULL;
    int64_t offset = (const char *)from - b.address;
    if (bytes > b.bytes - offset)
        return mock_violation("mock:%d: %s ends %lld bytes beyond its block", device, what,
                              (long long)(offset + bytes - b.bytes)),
               NULL;
    return b.memory + offset;
}

bool mock_is_device_memory(const void *at) {
    pthread_mutex_lock(&lock);
    bool found = block_around(at) != NULL;
    pthread_mutex_unlock(&lock);
    return found;
}
