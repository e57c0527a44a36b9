/* What the mock is told by the environment and by tests, and what it counts. */
#include "mock/hooks.h"
#include "mock/mock.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct {
    bool good;
    int64_t devices;
    _Atomic int64_t memory, plan_bytes, delay, lag;
    atomic_bool peers;
    _Atomic uint64_t random;
    atomic_bool missing[MOCK_MAX_DEVICES][OP_COUNT_WITH_GROUP], lost[MOCK_MAX_DEVICES];
    _Atomic int64_t seen[FAULT_COUNT], fail_at[FAULT_COUNT], totals[COUNT_COUNT];
} settings;

/* ---- the environment */
static bool number(const char *name, int64_t least, int64_t most, int64_t *value) {
    const char *given = getenv(name);
    if (!given) return true;
    char *end;
    errno = 0;
    long long n = strtoll(given, &end, 10);
    if (end == given || *end || errno || n < least || n > most)
        return tarn_fail("%s=%s: not a number from %lld to %lld", name, given, (long long)least, (long long)most);
    *value = n;
    return true;
}

static bool read_faults(void) {
    static const char *const names[FAULT_COUNT] = {"TARN_MOCK_FAIL_LAUNCH", "TARN_MOCK_FAIL_SUBMISSION",
                                                   "TARN_MOCK_FAIL_ALLOCATION", "TARN_MOCK_FAIL_COPY"};
    bool ok = true;
    for (int i = 0; i < FAULT_COUNT; i++) {
        int64_t n = 0;
        ok = number(names[i], 0, INT64_MAX, &n) && ok;
        settings.fail_at[i] = n;
    }
    return ok;
}

static void read_environment(void) {
    int64_t memory = INT64_C(4) << 30, delay = 0, seed = 1;
    settings.devices = 2;
    bool ok = number("TARN_MOCK_DEVICES", 0, MOCK_MAX_DEVICES, &settings.devices);
    ok = number("TARN_MOCK_MEMORY", 0, INT64_MAX, &memory) && ok;
    ok = number("TARN_MOCK_DELAY", 0, 10000000, &delay) && ok;
    int64_t lag = 0, peers = 1;
    ok = number("TARN_MOCK_LAG", 0, 10000000, &lag) && ok;
    ok = number("TARN_MOCK_PEERS", 0, 1, &peers) && ok;
    ok = number("TARN_MOCK_SEED", 0, INT64_MAX, &seed) && ok;
    ok = read_faults() && ok;
    tarn_mock_set_memory(memory);
    tarn_mock_set_delay(delay, (uint64_t)seed);
    tarn_mock_set_lag(lag);
    tarn_mock_set_peers(peers != 0);
    settings.good = tarn_mock_set_missing(getenv("TARN_MOCK_MISSING")) && ok;
}

static char complaint[1024]; /* why there is no device */

static void read_once(void) {
    read_environment();
    if (!settings.good) snprintf(complaint, sizeof complaint, "%s", tarn_error());
    tarn_clear_error();
}

bool mock_settings_good(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_once);
    return settings.good || tarn_fail("%s", complaint);
}

int mock_device_count(void) {
    return mock_report(mock_settings_good()) ? (int)settings.devices : 0;
}

int64_t mock_memory_limit(void) {
    return settings.memory;
}

/* ---- missing rows */
static bool set_missing(int device, const char *name, size_t length) {
    for (int op = 0; op < OP_COUNT_WITH_GROUP; op++) {
        const char *known = op_name((op_id)op);
        if (strlen(known) != length || memcmp(known, name, length) != 0) continue;
        settings.missing[device][op] = true;
        return true;
    }
    return tarn_fail("TARN_MOCK_MISSING: there is no op \"%.*s\"", (int)length, name);
}

bool tarn_mock_set_missing_on(int device, const char *ops) {
    for (int op = 0; op < OP_COUNT_WITH_GROUP; op++) settings.missing[device][op] = false;
    bool ok = true;
    for (const char *name = ops; name && *name;) {
        size_t length = strcspn(name, ",");
        ok = set_missing(device, name, length) && ok;
        name += length + (name[length] == ',');
    }
    return mock_report(ok);
}

bool tarn_mock_set_missing(const char *ops) {
    bool ok = true;
    for (int device = 0; device < MOCK_MAX_DEVICES; device++) ok = tarn_mock_set_missing_on(device, ops) && ok;
    return ok;
}

bool mock_is_missing(int device, op_id op) {
    return settings.missing[device][op];
}

/* ---- peers */
void tarn_mock_set_peers(bool peers) {
    settings.peers = peers;
}

bool mock_is_peer(int device, int other) {
    return settings.peers && device != other;
}

/* ---- faults and loss */
static void set_fault(mock_fault fault, int64_t n) {
    settings.seen[fault] = 0;
    settings.fail_at[fault] = n;
}

bool mock_fault_due(mock_fault fault) {
    return atomic_fetch_add(&settings.seen[fault], 1) + 1 == settings.fail_at[fault];
}

bool mock_is_lost(int device) {
    if (!settings.lost[device]) return false;
    tarn_fail_kind(TARN_ERROR_RUNTIME, "mock:%d: the device is lost", device);
    return true;
}

void tarn_mock_fail_launch(int64_t n) {
    set_fault(FAULT_LAUNCH, n);
}
void tarn_mock_fail_submission(int64_t n) {
    set_fault(FAULT_SUBMISSION, n);
}
void tarn_mock_fail_allocation(int64_t n) {
    set_fault(FAULT_ALLOCATION, n);
}
void tarn_mock_fail_copy(int64_t n) {
    set_fault(FAULT_COPY, n);
}
void tarn_mock_lose_device(int device, bool lost) {
    if (device >= 0 && device < MOCK_MAX_DEVICES) settings.lost[device] = lost;
}
void tarn_mock_set_memory(int64_t bytes) {
    settings.memory = bytes;
}
void tarn_mock_set_plan_bytes(int64_t bytes) {
    settings.plan_bytes = bytes;
}
int64_t mock_plan_bytes(void) {
    return settings.plan_bytes;
}

/* ---- delays */
void tarn_mock_set_delay(int64_t microseconds, uint64_t seed) {
    settings.delay = microseconds;
    settings.random = seed;
}

/* SplitMix64 (Steele, Lea, Flood 2014): one addition to the shared state a number. */
static uint64_t next_random(void) {
    uint64_t z = atomic_fetch_add(&settings.random, UINT64_C(0x9E3779B97F4A7C15)) + UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

void tarn_mock_set_lag(int64_t microseconds) {
    settings.lag = microseconds;
}

static void sleep_for(int64_t us) {
    if (us > 0) nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

void mock_delay(void) {
    int64_t most = settings.delay;
    if (most > 0) sleep_for((int64_t)(next_random() % ((uint64_t)most + 1)));
}

void mock_lag(void) {
    sleep_for(settings.lag);
}

static _Atomic int64_t late_in, lateness;

void tarn_mock_tell_late(int64_t n, int64_t microseconds) {
    lateness = microseconds;
    late_in = n;
}

void mock_tell_late(void) {
    if (late_in > 0 && atomic_fetch_sub(&late_in, 1) == 1) sleep_for(lateness);
}

/* ---- counts */
void mock_add(mock_count what, int64_t n) {
    atomic_fetch_add(&settings.totals[what], n);
}
int64_t mock_total(mock_count what) {
    return settings.totals[what];
}
int64_t tarn_mock_submissions(void) {
    return mock_total(COUNT_SUBMISSIONS);
}
int64_t tarn_mock_prepared_rows(void) {
    return mock_total(COUNT_PREPARED_ROWS);
}
int64_t tarn_mock_plans(void) {
    return mock_total(COUNT_PLANS);
}
int64_t tarn_mock_replays(void) {
    return mock_total(COUNT_REPLAYS);
}
int64_t tarn_mock_last_reads(void) {
    return mock_total(COUNT_LAST_READS);
}
int64_t tarn_mock_launches(void) {
    return mock_total(COUNT_LAUNCHES);
}
int64_t tarn_mock_copies(void) {
    return mock_total(COUNT_COPIES);
}
int64_t tarn_mock_copied_bytes(void) {
    return mock_total(COUNT_COPIED_BYTES);
}
int64_t tarn_mock_blocks(void) {
    return mock_total(COUNT_BLOCKS);
}
int64_t tarn_mock_bytes(void) {
    return mock_total(COUNT_BYTES);
}
int64_t tarn_mock_violations(void) {
    return mock_total(COUNT_VIOLATIONS);
}

/* ---- errors */
bool mock_violation(const char *format, ...) {
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    mock_add(COUNT_VIOLATIONS, 1);
    return tarn_fail_kind(TARN_ERROR_RUNTIME, "%s", message);
}
