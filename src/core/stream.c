/* Devices by slot, their backends (linked in, or opened at run time), streams and events. */
#include "core/stream.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/vector.h"

static const char *const type_names[TARN_DEVICE_TYPE_COUNT] = {"cpu", "mock", "cuda"};

static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    tarn_device device;
    const backend *backend;
    tarn_stream *stream;
} slots[DEVICE_SLOTS];
static int slot_count;
static const backend *opened[TARN_DEVICE_TYPE_COUNT];
static bool tried[TARN_DEVICE_TYPE_COUNT];
static tarn_device default_device; /* under devices_lock */
static _Thread_local tarn_stream *current;

/* Guards the handles of streams against tarn_stream_free: held where one is read outside the schedule lock. */
static pthread_mutex_t handles_lock = PTHREAD_MUTEX_INITIALIZER;

static VECTOR(tarn_stream *) streams; /* all of them, for tarn_synchronize(NULL) */

const char *tarn_device_type_name(tarn_device_type type) {
    return (unsigned)type < TARN_DEVICE_TYPE_COUNT ? type_names[type] : "unknown";
}

/* libtarn_<type>.so in $TARN_BACKENDS, else beside the library (or program) that this code is part of. */
static void *open_shared_object(tarn_device_type type) {
    text path = {0};
    Dl_info self;
    const char *folder = getenv("TARN_BACKENDS");
    if (folder)
        text_format(&path, "%s/", folder);
    else if (dladdr((void *)(uintptr_t)open_shared_object, &self) && self.dli_fname && strrchr(self.dli_fname, '/'))
        text_append(&path, self.dli_fname, (size_t)(strrchr(self.dli_fname, '/') - self.dli_fname) + 1);
    text_format(&path, "libtarn_%s.so", type_names[type]);
    void *library = dlopen(text_string(&path), RTLD_NOW | RTLD_LOCAL);
    text_free(&path);
    return library;
}

static const backend *load_backend(tarn_device_type type) {
    if (type == TARN_CPU) return &backend_cpu;
    if (tried[type]) return opened[type];
    tried[type] = true;
    void *library = open_shared_object(type);
    void *symbol = library ? dlsym(library, "tarn_backend") : NULL;
    if (!symbol) return NULL;
    const backend *(*entry)(void);
    memcpy(&entry, &symbol, sizeof entry);
    symbol = dlsym(library, "tarn_backend_errors");
    void (*report_to)(bool (*fail)(const char *format, ...));
    memcpy(&report_to, &symbol, sizeof report_to);
    if (report_to) report_to(tarn_fail);
    const backend *found = entry();
    if (found->version != BACKEND_VERSION || found->table_hash != table_hash()) return NULL; /* built from other tables */
    return opened[type] = found;
}

static tarn_stream *make_stream(tarn_device device, int slot, const backend *of, bool is_default) {
    tarn_stream *s = NEW(tarn_stream);
    if (!s) return NULL;
    *s = (tarn_stream){device, slot, of, of->stream_new(device.index), is_default};
    if (s->handle && vector_push(&streams, s)) return s;
    if (s->handle) of->stream_free(s->handle);
    memory_free(s);
    return NULL;
}

static int find_slot(tarn_device device) {
    for (int i = 0; i < slot_count; i++)
        if (slots[i].device.type == device.type && slots[i].device.index == device.index) return i;
    if (slot_count == 0 && (device.type != TARN_CPU || device.index != 0) && find_slot((tarn_device){TARN_CPU, 0}) < 0) return -1;
    const backend *of = (unsigned)device.type < TARN_DEVICE_TYPE_COUNT ? load_backend(device.type) : NULL;
    if (!of || device.index < 0 || device.index >= of->device_count()) {
        tarn_fail("there is no device %s:%d", tarn_device_type_name(device.type), device.index);
        return -1;
    }
    if (slot_count == DEVICE_SLOTS) return tarn_fail("more than %d devices in use", DEVICE_SLOTS), -1;
    tarn_stream *s = make_stream(device, slot_count, of, true);
    if (!s) return -1;
    slots[slot_count].device = device;
    slots[slot_count].backend = of;
    slots[slot_count].stream = s;
    return slot_count++;
}

int device_slot(tarn_device device) {
    pthread_mutex_lock(&devices_lock);
    int slot = find_slot(device);
    pthread_mutex_unlock(&devices_lock);
    return slot;
}

const backend *slot_backend(int slot) {
    return slots[slot].backend ? slots[slot].backend : &backend_cpu;
}

int slot_device_index(int slot) {
    return slots[slot].device.index;
}

tarn_stream *slot_default_stream(int slot) {
    return slots[slot].stream;
}

tarn_stream *stream_current(void) {
    if (current) return current;
    int slot = device_slot(tarn_default_device());
    return slot < 0 ? NULL : slots[slot].stream;
}

int tarn_device_count(tarn_device_type type) {
    if ((unsigned)type >= TARN_DEVICE_TYPE_COUNT) return 0;
    pthread_mutex_lock(&devices_lock);
    const backend *of = load_backend(type);
    pthread_mutex_unlock(&devices_lock);
    return of ? of->device_count() : 0;
}

tarn_device tarn_default_device(void) {
    pthread_mutex_lock(&devices_lock);
    tarn_device device = default_device;
    pthread_mutex_unlock(&devices_lock);
    return device;
}

bool tarn_set_default_device(tarn_device device) {
    if (device_slot(device) < 0) return false;
    pthread_mutex_lock(&devices_lock);
    default_device = device;
    pthread_mutex_unlock(&devices_lock);
    return true;
}

tarn_stream *tarn_default_stream(tarn_device device) {
    int slot = device_slot(device);
    return slot < 0 ? NULL : slots[slot].stream;
}

tarn_stream *tarn_stream_new(tarn_device device) {
    int slot = device_slot(device);
    if (slot < 0) return NULL;
    pthread_mutex_lock(&devices_lock);
    tarn_stream *s = make_stream(device, slot, slots[slot].backend, false);
    pthread_mutex_unlock(&devices_lock);
    return s;
}

/* The stream's handle goes; the small object stays, because nodes and events may still name it. */
void tarn_stream_free(tarn_stream *s) {
    if (!s || s->is_default) return;
    tarn_synchronize(s);
    if (current == s) current = NULL;
    schedule_lock();
    pthread_mutex_lock(&handles_lock);
    struct backend_stream *old = s->is_default ? NULL : s->handle;
    s->handle = slots[s->slot].stream->handle;
    s->is_default = true;
    pthread_mutex_unlock(&handles_lock);
    if (old) s->backend->stream_free(old); /* its thread may still record events: not under the lock of handles */
    schedule_unlock();
}

tarn_device tarn_stream_device(const tarn_stream *s) {
    return s ? s->device : tarn_default_device();
}

static bool synchronize_one(tarn_stream *s) {
    event *e = event_record(s);
    if (!e) return false;
    event_wait(e);
    event_release(e);
    return true;
}

bool tarn_synchronize(tarn_stream *s) {
    if (s) return synchronize_one(s);
    bool ok = true;
    for (size_t i = 0;; i++) {
        pthread_mutex_lock(&devices_lock);
        tarn_stream *next = i < streams.count ? streams.items[i] : NULL;
        pthread_mutex_unlock(&devices_lock);
        if (!next) return ok;
        ok = synchronize_one(next) && ok;
    }
}

tarn_stream *tarn_use_stream(tarn_stream *stream) {
    tarn_stream *before = current;
    current = stream;
    return before;
}

void tarn_restore_stream(tarn_stream *const *previous) {
    current = *previous;
}

/* ---- events */

event *event_record(tarn_stream *s) {
    event *e = NEW(event);
    if (!e) return NULL;
    pthread_mutex_lock(&handles_lock);
    *e = (event){.references = 1, .stream = s, .handle = s->backend->event_record(s->handle)};
    pthread_mutex_unlock(&handles_lock);
    if (e->handle) return e;
    memory_free(e);
    return NULL;
}

event *event_retain(event *e) {
    if (e) atomic_fetch_add(&e->references, 1);
    return e;
}

void event_release(event *e) {
    if (!e || atomic_fetch_sub(&e->references, 1) != 1) return;
    e->stream->backend->event_free(e->handle);
    memory_free(e);
}

bool event_done(event *e) {
    return !e || e->stream->backend->event_done(e->handle);
}

void event_wait(event *e) {
    if (e) e->stream->backend->event_wait(e->handle);
}

static void wait_on_host(void *context) {
    event_wait(context);
    event_release(context);
}

bool stream_wait(tarn_stream *s, event *e) {
    if (!e || e->stream == s || event_done(e)) return true;
    if (e->stream->backend == s->backend) return s->backend->stream_wait(s->handle, e->handle);
    if (s->backend->host(s->handle, wait_on_host, event_retain(e))) return true;
    event_release(e);
    return false;
}

/* ---- fallback of missing kernels */

static atomic_bool fallback;
static pthread_mutex_t fallback_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t fallbacks;
static VECTOR(const char *) fallback_names;

void tarn_allow_fallback(bool allowed) {
    atomic_store(&fallback, allowed);
}
bool fallback_allowed(void) {
    return atomic_load(&fallback);
}

void fallback_count(const char *op) {
    pthread_mutex_lock(&fallback_lock);
    fallbacks++;
    bool known = false;
    for (size_t i = 0; i < fallback_names.count; i++) known = known || strcmp(fallback_names.items[i], op) == 0;
    if (!known) vector_push(&fallback_names, op);
    pthread_mutex_unlock(&fallback_lock);
}

int64_t tarn_fallback_count(void) {
    pthread_mutex_lock(&fallback_lock);
    int64_t count = fallbacks;
    pthread_mutex_unlock(&fallback_lock);
    return count;
}

char *tarn_fallback_list(void) {
    text t = {0};
    pthread_mutex_lock(&fallback_lock);
    for (size_t i = 0; i < fallback_names.count; i++) text_format(&t, "%s\n", fallback_names.items[i]);
    pthread_mutex_unlock(&fallback_lock);
    return text_take(&t);
}

/* ---- the schedule lock */

static pthread_mutex_t graph_lock = PTHREAD_MUTEX_INITIALIZER;
void schedule_lock(void) {
    pthread_mutex_lock(&graph_lock);
}
void schedule_unlock(void) {
    pthread_mutex_unlock(&graph_lock);
}
