#include "core/buffer.h"

#include <stddef.h>
#include <sched.h>
#include <string.h>

#include "base/guard.h"
#include "base/hard.h"
#include "base/holds.h"
#include "base/memory.h"
#include "core/lock.h"
#include "core/release.h"
#include "core/stream.h"
#include "tarn/error.h"

static error_note without_memory = {TARN_ERROR_RUNTIME,
                                    "a computation failed, and there was no memory to keep its message"};
static char nothing[8]; /* the address of what has no bytes: NULL means absent */

/* ---- life */

buffer *buffer_new(int64_t bytes) {
    buffer *b = NEW(buffer);
    if (!b) return NULL;
    atomic_init(&b->references, 1);
    atomic_init(&b->holders, 1);
    b->bytes = bytes;
    b->copies = b->own_copies;
    b->readers = b->own_readers;
    b->reader_room = BUFFER_OWN;
    return b;
}

static void release_foreign(release_note *note) {
    buffer *b = (buffer *)(void *)((char *)note - offsetof(buffer, note));
    b->release(b->context);
    buffer_let_go(b);
}

buffer *buffer_new_foreign(int slot, const void *data, int64_t bytes, bool (*check)(void *), void *context) {
    buffer *b = buffer_new(bytes);
    if (!b) return NULL;
    b->foreign = true;
    b->file = slot == DEVICE_HOST && guard_covers(data, (size_t)bytes);
    b->home = slot;
    b->check = check;
    b->context = context;
    b->note.run = release_foreign;
    b->copies[b->copy_count++] = (buffer_copy){.slot = slot, .data = (void *)(uintptr_t)data, .valid = true};
    if (slot == DEVICE_HOST) pool_count_mapped(bytes);
    return b;
}

bool buffer_check(const buffer *b) {
    bool ok = !b->check || b->check(b->context);
    if (!ok && tarn_ok()) tarn_fail("from_foreign: check failed without an error");
    return ok;
}

buffer *buffer_hold(buffer *b) {
    if (b) atomic_fetch_add(&b->holders, 1);
    return b;
}

void buffer_let_go(buffer *b) {
    if (!b || !holds_end(&b->holders)) return;
    if (atomic_load(&b->poison) != &without_memory) memory_free(atomic_load(&b->poison));
    memory_free(b);
}

/* A copy's memory goes back once what fills and what reads the buffer is done. */
static void free_copy(buffer *b, buffer_copy *c) {
    if (!c->block) return;
    ticket *after = b->readers; /* room for one more is always there */
    after[b->reader_count] = c->ready;
    pool_release(c->block, after, b->reader_count + 1);
}

void buffer_release(buffer *b) {
    if (!b || !holds_end(&b->references)) return;
    for (int i = 0; i < b->copy_count; i++) free_copy(b, &b->copies[i]);
    b->copy_count = 0;
    if (b->copies != b->own_copies) memory_free(b->copies);
    if (b->readers != b->own_readers) memory_free(b->readers);
    if (b->foreign && b->home == DEVICE_HOST)
        pool_count_mapped(-b->bytes); /* its readers are done: work holds the foreign buffers that it uses to its end */
    if (b->release)
        release_later(&b->note);
    else
        buffer_let_go(b);
}

/* ---- copies */

static buffer_copy *copy_on(const buffer *b, int slot) {
    for (int i = 0; i < b->copy_count; i++)
        if (b->copies[i].slot == slot) return &b->copies[i];
    return NULL;
}

void *buffer_data(buffer *b, int slot) {
    if (b->bytes == 0) return nothing;
    pthread_mutex_lock(lock_of(b));
    const buffer_copy *c = copy_on(b, slot);
    void *data = c ? c->data : NULL;
    pthread_mutex_unlock(lock_of(b));
    return data;
}

const void *buffer_peek(buffer *b) {
    if (b->foreign || buffer_is_unverified(b) || atomic_load(&b->state) != BUFFER_SUBMITTED) return NULL;
    pthread_mutex_lock(lock_of(b));
    const buffer_copy *c = copy_on(b, DEVICE_HOST);
    const void *data = c && c->valid && ticket_done(c->ready) ? c->data : NULL;
    pthread_mutex_unlock(lock_of(b));
    return data && !buffer_poisoned(b) ? data : NULL;
}

bool buffer_is_valid_on(buffer *b, int slot) {
    if (b->bytes == 0) return true;
    pthread_mutex_lock(lock_of(b));
    const buffer_copy *c = copy_on(b, slot);
    bool valid = c && c->valid;
    pthread_mutex_unlock(lock_of(b));
    return valid;
}

int buffer_valid_slot(buffer *b) {
    int found = -1;
    pthread_mutex_lock(lock_of(b));
    for (int i = 0; i < b->copy_count; i++)
        if (b->copies[i].valid && found != DEVICE_HOST) found = b->copies[i].slot;
    pthread_mutex_unlock(lock_of(b));
    return found;
}

/* A place for one more copy. Under the lock. */
static buffer_copy *new_copy(buffer *b, int slot) {
    int room = b->copies == b->own_copies ? BUFFER_OWN : b->copy_count;
    if (b->copy_count == room) {
        buffer_copy *more = NEW_ARRAY(buffer_copy, room + 1);
        if (!more) return NULL;
        memcpy(more, b->copies, (size_t)b->copy_count * sizeof *more);
        if (b->copies != b->own_copies) memory_free(b->copies);
        b->copies = more;
    }
    b->copies[b->copy_count] = (buffer_copy){.slot = slot};
    return &b->copies[b->copy_count];
}

/* Adds the copy, unless there is one: another thread was faster. Takes over the block in the first case. Returns where
   the copy is, and whether it is valid. */
static void *add_copy(buffer *b, int slot, pool_block **block, bool *valid) {
    pthread_mutex_lock(lock_of(b));
    buffer_copy *c = copy_on(b, slot);
    if (!c && *block && (c = new_copy(b, slot))) {
        c->block = *block;
        c->data = c->block->memory;
        b->copy_count++;
        *block = NULL;
    }
    void *data = c ? c->data : NULL;
    *valid = c && c->valid;
    pthread_mutex_unlock(lock_of(b));
    return data;
}

/* The device is asked, and its work waited for, without a lock. */
void *buffer_allocate(buffer *b, int slot, tarn_stream *stream, bool *valid) {
    pool_block *block = NULL;
    bool unasked;
    if (!valid) valid = &unasked;
    if (b->bytes == 0) return *valid = true, nothing;
    void *data = add_copy(b, slot, &block, valid);
    if (data) return data;
    block = pool_allocate(slot, b->bytes + (hard_mode() ? HARD_GUARD : 0), stream);
    if (block) data = add_copy(b, slot, &block, valid);
    if (block) pool_release(block, NULL, 0);
    return data;
}

void buffer_fill_on_host(buffer *b) {
    buffer_copy *c = copy_on(b, DEVICE_HOST);
    if (c) c->valid = true;
}

/* ---- readers and writers */

int buffer_waits(buffer *b, int slot, bool writing, ticket *after, int count, int room) {
    pthread_mutex_lock(lock_of(b));
    const buffer_copy *c = copy_on(b, slot);
    for (int i = c ? -1 : 0; i < (writing ? b->reader_count : 0); i++) {
        ticket t = i < 0 ? c->ready : b->readers[i];
        if (ticket_done(t)) continue;
        if (count < room)
            after[count++] = t;
        else
            ticket_wait(t);
    }
    pthread_mutex_unlock(lock_of(b));
    return count;
}

/* Room for one more reader, and for the place that free_copy needs; without memory the oldest reader is waited for. */
static void make_room_for_reader(buffer *b) {
    if (b->reader_count + 2 <= b->reader_room) return;
    bool before = tarn_ok();
    ticket *more = NEW_ARRAY(ticket, 2 * b->reader_room + 2);
    if (!more) {
        if (before) tarn_clear_error();
        ticket_wait(b->readers[0]);
        b->readers[0] = b->readers[--b->reader_count];
        return;
    }
    memcpy(more, b->readers, (size_t)b->reader_count * sizeof *more);
    if (b->readers != b->own_readers) memory_free(b->readers);
    b->readers = more;
    b->reader_room = 2 * b->reader_room + 2;
}

void buffer_was_read(buffer *b, ticket t) {
    if (ticket_done(t)) return;
    pthread_mutex_lock(lock_of(b));
    int kept = 0;
    for (int i = 0; i < b->reader_count; i++)
        if (b->readers[i].stream != t.stream && !ticket_done(b->readers[i])) b->readers[kept++] = b->readers[i];
    b->reader_count = kept;
    make_room_for_reader(b);
    b->readers[b->reader_count++] = t;
    pthread_mutex_unlock(lock_of(b));
}

void buffer_was_copied(buffer *b, int slot, ticket t) {
    pthread_mutex_lock(lock_of(b));
    buffer_copy *c = copy_on(b, slot);
    if (c) c->ready = t;
    if (c) c->valid = true;
    if (c) c->claimed = false;
    pthread_mutex_unlock(lock_of(b));
}

/* One look: true if it is settled who fills the copy. */
static bool try_claim(buffer *b, int slot, bool *mine) {
    pthread_mutex_lock(lock_of(b));
    buffer_copy *c = copy_on(b, slot);
    bool valid = !c || c->valid, others = c && c->claimed;
    *mine = !valid && !others;
    if (*mine) c->claimed = true;
    pthread_mutex_unlock(lock_of(b));
    return valid || *mine;
}

bool buffer_claim_copy(buffer *b, int slot) {
    bool mine;
    while (!try_claim(b, slot, &mine)) sched_yield();
    return mine;
}

void buffer_was_written(buffer *b, int slot, ticket t) {
    pthread_mutex_lock(lock_of(b));
    for (int i = 0; i < b->copy_count; i++) {
        b->copies[i].valid = b->copies[i].slot == slot;
        b->copies[i].ready = t; /* of the others: nobody reads them any more after that */
    }
    b->reader_count = 0; /* the writer has waited for them */
    pthread_mutex_unlock(lock_of(b));
}

void buffer_drop_stale(buffer *b) {
    pthread_mutex_lock(lock_of(b));
    int kept = 0;
    for (int i = 0; i < b->copy_count; i++) {
        if (b->copies[i].valid)
            b->copies[kept++] = b->copies[i];
        else
            free_copy(b, &b->copies[i]);
    }
    b->copy_count = kept;
    pthread_mutex_unlock(lock_of(b));
}

/* The first copy from *i on that is not there yet. */
static bool find_unready(buffer *b, int *i, ticket *ready) {
    bool found = false;
    pthread_mutex_lock(lock_of(b));
    for (; !found && *i < b->copy_count; ++*i) {
        *ready = b->copies[*i].ready;
        found = !ticket_done(*ready);
    }
    pthread_mutex_unlock(lock_of(b));
    return found;
}

bool buffer_is_done(buffer *b) {
    ticket ready;
    int first = 0;
    return atomic_load(&b->state) == BUFFER_SUBMITTED && !find_unready(b, &first, &ready) && !buffer_is_unverified(b) &&
           !buffer_poisoned(b);
}

static void wait_for_copies(buffer *b) {
    ticket ready;
    for (int i = 0; find_unready(b, &i, &ready);) ticket_wait(ready);
}

/* This thread does the checks that are due, unless another is at it. Within a check, which may read arrays, nothing is
 * waited for. */
static void buffer_verify(buffer *b) {
    while (buffer_is_unverified(b) && !release_is_draining()) {
        release_drain();
        sched_yield();
    }
}

void buffer_wait(buffer *b) {
    if (!buffer_settle(b)) return;
    wait_for_copies(b);
    buffer_verify(b);
}

/* ---- pending: few threads ever meet a buffer in this state, so all share one place to wait in */

static pthread_mutex_t settle_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t settled = PTHREAD_COND_INITIALIZER;
static atomic_int settling;

void buffer_set_state(buffer *b, buffer_state state) {
    atomic_store(&b->state, state);
    if (state == BUFFER_PENDING || atomic_load(&settling) == 0) return;
    pthread_mutex_lock(&settle_lock);
    pthread_cond_broadcast(&settled);
    pthread_mutex_unlock(&settle_lock);
}

bool buffer_settle(buffer *b) {
    if (atomic_load(&b->state) == BUFFER_PENDING) {
        pthread_mutex_lock(&settle_lock);
        atomic_fetch_add(&settling, 1);
        while (atomic_load(&b->state) == BUFFER_PENDING) pthread_cond_wait(&settled, &settle_lock);
        atomic_fetch_sub(&settling, 1);
        pthread_mutex_unlock(&settle_lock);
    }
    return atomic_load(&b->state) == BUFFER_SUBMITTED;
}

void buffers_before_fork(void) {
    pthread_mutex_lock(&settle_lock);
}

void buffers_after_fork(void) {
    pthread_mutex_unlock(&settle_lock);
}

void buffers_in_child(void) {
    pthread_cond_init(&settled, NULL); /* who waited there is not here */
    atomic_store(&settling, 0);
    buffers_after_fork();
}

/* ---- poison */

void buffer_poison(buffer *b, const error_note *why) {
    error_note *copy = error_note_copy(why), *none = NULL;
    if (!atomic_compare_exchange_strong(&b->poison, &none, copy ? copy : &without_memory)) memory_free(copy);
}

const error_note *buffer_poisoned(const buffer *b) {
    return atomic_load(&((buffer *)(uintptr_t)b)->poison);
}

bool buffer_is_good(const buffer *b) {
    const error_note *why = buffer_poisoned(b);
    if (why) streams_told(why);
    return !why || tarn_fail_kind(why->kind, "%s", why->text);
}
