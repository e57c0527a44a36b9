/* Devices by slot, their backends (linked in, or opened at run time). */
#include "core/device.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "backend/backend.h"
#include "base/memory.h"
#include "base/settings.h"
#include "base/text.h"
#include "core/fork.h"
#include "core/pool.h"
#include "core/stream.h"

static const char *const type_names[TARN_DEVICE_TYPE_COUNT] = {"cpu", "mock", "cuda"};

static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;
typedef struct {
    tarn_device device;
    const backend *backend;
    pool *pool;
    tarn_stream *stream, *copy_stream;
    atomic_bool lost; /* at a fork */
} device_entry;

enum { MOST_SLOTS = 4096 };
static device_entry *_Atomic slots[MOST_SLOTS]; /* entries are never freed */
static atomic_int slot_count;
static const backend *opened[TARN_DEVICE_TYPE_COUNT];
static bool tried[TARN_DEVICE_TYPE_COUNT];
static char unopened[TARN_DEVICE_TYPE_COUNT][256];            /* why a type has no backend */
static const char *(*why_none[TARN_DEVICE_TYPE_COUNT])(void); /* asks a backend why it has no devices */
static atomic_int default_slot =
    -1; /* of the device that functions use by themselves; -1: the CPU, not yet asked for */

const char *tarn_device_type_name(tarn_device_type type) {
    return (unsigned)type < TARN_DEVICE_TYPE_COUNT ? type_names[type] : "unknown";
}

/* libtarn_<type>.so in $TARN_BACKENDS, else beside the library (or program) that this code is part of. */
static void *open_shared_object(tarn_device_type type) {
    text path = {0};
    Dl_info self;
    const char *folder = settings_backends();
    if (folder)
        text_format(&path, "%s/", folder);
    else if (dladdr((void *)(uintptr_t)open_shared_object, &self) && self.dli_fname && strrchr(self.dli_fname, '/'))
        text_append(&path, self.dli_fname, (size_t)(strrchr(self.dli_fname, '/') - self.dli_fname) + 1);
    text_format(&path, "libtarn_%s.so", type_names[type]);
    void *library = dlopen(text_string(&path), RTLD_NOW | RTLD_LOCAL);
    if (!library) snprintf(unopened[type], sizeof unopened[type], "%s", dlerror());
    text_free(&path);
    return library;
}

/* A function that a shared object may have. */
static void find_function(void *library, const char *name, void *to) {
    void *symbol = dlsym(library, name);
    memcpy(to, &symbol, sizeof symbol);
}

static bool reserve(const backend *of, int device, int64_t bytes) {
    for (int slot = 0; slot < slot_count; slot++)
        if (slots[slot]->backend == of && slots[slot]->device.index == device) return pool_reserve(slot, bytes);
    return false;
}

static const backend *load_backend(tarn_device_type type) {
    static const backend_library library_functions = {tarn_fail_kind, reserve};
    if (type == TARN_CPU) return &backend_cpu;
    if (tried[type]) return opened[type];
    tried[type] = true;
    void *library = open_shared_object(type);
    if (!library) return NULL;
    const backend *(*entry)(void);
    void (*connect)(const backend_library *functions);
    find_function(library, "tarn_backend", &entry);
    find_function(library, "tarn_backend_library", &connect);
    find_function(library, "tarn_backend_why_none", &why_none[type]);
    if (connect) connect(&library_functions);
    const backend *found = entry ? entry() : NULL;
    if (found && found->version == BACKEND_VERSION && found->table_hash == backend_hash()) return opened[type] = found;
    snprintf(unopened[type], sizeof unopened[type], "libtarn_%s.so is not of this version", type_names[type]);
    return NULL;
}

static const char *why_missing(tarn_device_type type) {
    if ((unsigned)type >= TARN_DEVICE_TYPE_COUNT) return "";
    const char *why = !opened[type] ? unopened[type] : why_none[type] ? why_none[type]() : NULL;
    return why ? why : "";
}

const char *tarn_device_absence(tarn_device device) {
    const bool there = device.index >= 0 && device.index < tarn_device_count(device.type);
    return there ? NULL : why_missing(device.type);
}

bool device_missing(tarn_device device) {
    const char *why = why_missing(device.type);
    return tarn_fail_kind(TARN_ERROR_RUNTIME, "there is no device %s:%d%s%s", tarn_device_type_name(device.type),
                          device.index, *why ? ": " : "", why);
}

static bool check_without(void) {
    for (const char *name = settings_without_list(), *end; *name; name = *end ? end + 1 : end) {
        end = name + strcspn(name, ",");
        char op[64] = "";
        if ((size_t)(end - name) < sizeof op) memcpy(op, name, (size_t)(end - name));
        if (op_from_name(op) == OP_COUNT)
            return tarn_fail("the environment variable TARN_WITHOUT is \"%.80s\"; there is no op \"%s\"",
                             settings_without_list(), op);
    }
    return true;
}

static device_entry *make_entry(tarn_device device, int slot, const backend *of) {
    device_entry *e = NEW(device_entry);
    pool *p = e ? pool_new(slot) : NULL;
    tarn_stream *s = p ? stream_make(device, slot, of, true) : NULL;
    if (s) {
        *e = (device_entry){.device = device, .backend = of, .pool = p, .stream = s};
        return e;
    }
    if (p) pool_free(p);
    memory_free(e);
    return NULL;
}

static int find_slot(tarn_device device) {
    for (int i = 0; i < slot_count; i++)
        if (slots[i]->device.type == device.type && slots[i]->device.index == device.index) return i;
    if (slot_count == 0 && (device.type != TARN_CPU || device.index != 0) && find_slot((tarn_device){TARN_CPU, 0}) < 0)
        return -1;
    if (slot_count == 0 && (!settings_check() || !check_without())) return -1;
    fork_prepare_for();
    const backend *of = (unsigned)device.type < TARN_DEVICE_TYPE_COUNT ? load_backend(device.type) : NULL;
    if (!of || device.index < 0 || device.index >= of->device_count()) return device_missing(device), -1;
    if (slot_count == MOST_SLOTS)
        return tarn_fail_kind(TARN_ERROR_RUNTIME, "more than %d devices in use", MOST_SLOTS), -1;
    slots[slot_count] = make_entry(device, slot_count, of);
    return slots[slot_count] ? slot_count++ : -1;
}

int device_slot(tarn_device device) {
    pthread_mutex_lock(&devices_lock);
    int slot = find_slot(device);
    pthread_mutex_unlock(&devices_lock);
    return slot < 0 || slot_check(slot) ? slot : -1;
}

int device_default_slot(void) {
    int slot = atomic_load(&default_slot), none = -1;
    if (slot >= 0) return slot_check(slot) ? slot : -1;
    slot = device_slot((tarn_device){TARN_CPU, 0});
    atomic_compare_exchange_strong(&default_slot, &none, slot); /* unless another one was chosen meanwhile */
    return slot;
}

bool slot_is_lost(int slot) {
    return slots[slot] && atomic_load(&slots[slot]->lost);
}

bool slot_check(int slot) {
    if (!slot_is_lost(slot)) return true;
    return tarn_fail_kind(
        TARN_ERROR_RUNTIME,
        "the device %s:%d and what it had in memory cannot be used in a process forked after it was in use",
        tarn_device_type_name(slots[slot]->device.type), slots[slot]->device.index);
}

int device_slot_count(void) {
    return slot_count;
}

/* The host is there before anybody has asked for it. */
const backend *slot_backend(int slot) {
    return slots[slot] ? slots[slot]->backend : &backend_cpu;
}

int slot_device_index(int slot) {
    return slots[slot] ? slots[slot]->device.index : 0;
}

pool *slot_pool(int slot) {
    return slots[slot] ? slots[slot]->pool : pool_new(DEVICE_HOST);
}

bool slot_settle(int slot) {
    const backend *of = slot_backend(slot);
    return slot_check(slot) && (!of->settle || of->settle(slot_device_index(slot)));
}

tarn_stream *slot_default_stream(int slot) {
    return slots[slot]->stream;
}

tarn_stream *slot_copy_stream(int slot) {
    pthread_mutex_lock(&devices_lock);
    device_entry *e = slots[slot];
    if (!e->copy_stream) e->copy_stream = stream_make(e->device, slot, e->backend, true);
    tarn_stream *s = e->copy_stream;
    pthread_mutex_unlock(&devices_lock);
    return s;
}

const backend *device_backend(tarn_device_type type) {
    if ((unsigned)type >= TARN_DEVICE_TYPE_COUNT) return NULL;
    pthread_mutex_lock(&devices_lock);
    const backend *of = load_backend(type);
    pthread_mutex_unlock(&devices_lock);
    return of;
}

int tarn_device_count(tarn_device_type type) {
    if ((unsigned)type >= TARN_DEVICE_TYPE_COUNT) return 0;
    pthread_mutex_lock(&devices_lock);
    const backend *of = load_backend(type);
    pthread_mutex_unlock(&devices_lock);
    return of ? of->device_count() : 0;
}

tarn_device tarn_default_device(void) {
    int slot = atomic_load(&default_slot);
    return slot < 0 ? (tarn_device){TARN_CPU, 0} : slots[slot]->device;
}

bool tarn_set_default_device(tarn_device device) {
    int slot = device_slot(device);
    if (slot >= 0) atomic_store(&default_slot, slot);
    return slot >= 0;
}

void devices_before_fork(void) {
    pthread_mutex_lock(&devices_lock);
}

void devices_after_fork(void) {
    pthread_mutex_unlock(&devices_lock);
}

void devices_in_child(void) {
    for (int i = 0; i < slot_count; i++)
        if (slots[i]->backend != &backend_cpu) atomic_store(&slots[i]->lost, true);
    devices_after_fork();
}
