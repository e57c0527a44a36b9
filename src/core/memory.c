/* tarn/memory.h: the figures and limits of a device's memory. */
#include "base/require.h"
#include "tarn/memory.h"

#include "core/array.h"
#include "core/pool.h"
#include "core/release.h"

bool tarn_memory_info(tarn_device device, tarn_memory *info) {
    if (!REQUIRE(info)) return false;
    release_drain();
    int slot = device_slot(device);
    if (slot < 0 || !pool_info(slot, info)) return false;
    info->nodes = node_alive_count();
    return true;
}

void tarn_reset_peak(tarn_device device) {
    release_drain();
    int slot = device_slot(device);
    if (slot >= 0) pool_reset_peak(slot);
}

static bool check_limit(const char *what, int64_t bytes) {
    return bytes >= 0 || tarn_fail("%s: %lld bytes", what, (long long)bytes);
}

void tarn_set_memory_limit(tarn_device device, int64_t bytes) {
    release_drain();
    int slot = check_limit("set_memory_limit", bytes) ? device_slot(device) : -1;
    if (slot >= 0) pool_set_limit(slot, bytes);
}

void tarn_set_cache_limit(tarn_device device, int64_t bytes) {
    release_drain();
    int slot = check_limit("set_cache_limit", bytes) ? device_slot(device) : -1;
    if (slot >= 0) pool_set_cache_limit(slot, bytes);
}

void tarn_clear_cache(tarn_device device) {
    release_drain();
    int slot = device_slot(device);
    if (slot >= 0) pool_clear_cache(slot);
}
