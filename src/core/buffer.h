/* A buffer: one logical block of memory with at most one copy per device. Each copy knows the work that makes it valid;
   the buffer knows its last readers. */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#include "base/error.h"
#include "core/pool.h"
#include "core/release.h"

typedef struct {
    int slot;
    pool_block *block; /* NULL: foreign, or of no bytes */
    void *data;
    bool valid;
    bool claimed; /* a thread is about to submit what fills it from another copy */
    ticket ready;
} buffer_copy;

/* Whether the work that fills the buffer has been submitted. */
typedef enum { BUFFER_SUBMITTED, BUFFER_PENDING, BUFFER_GIVEN_UP } buffer_state;

enum { BUFFER_OWN = 2 };

typedef struct buffer {
    atomic_int references; /* of those who may read it; together they are one of the holders */
    atomic_int holders;    /* those who only ask whether it is good, or say that it is not: work on its way */
    int64_t bytes;
    atomic_int state;
    atomic_uint dubious, verified; /* runs that wrote it from foreign memory, and those of them after which that memory
                                      was checked; both only grow, and may wrap around */
    buffer_copy *copies, own_copies[BUFFER_OWN]; /* these and the readers under lock_of(buffer) */
    int copy_count;
    ticket *readers, own_readers[BUFFER_OWN]; /* the last ones, one a stream */
    int reader_count, reader_room;
    bool foreign; /* memory that is not ours: never written, never freed, `release` is called instead */
    bool file;    /* foreign memory that is a file mapped by file_map: its pages can be read again */
    int home;     /* of foreign memory: on which device it is */
    bool (*check)(void *context);
    void (*release)(void *context);
    void *context;
    release_note note;            /* of `release` */
    _Atomic(error_note *) poison; /* the error of the computation that should have filled it */
} buffer;

static inline bool buffer_is_unverified(const buffer *b) {
    return atomic_load(&b->dubious) != atomic_load(&b->verified);
}

/* A buffer of so many bytes with no copy anywhere. */
buffer *buffer_new(int64_t bytes);
/* Over a device's memory, of somebody else; set `release` once it may be called. */
buffer *buffer_new_foreign(int slot, const void *data, int64_t bytes, bool (*check)(void *), void *context);
/* Asks the `check` of foreign memory, if it has one; with no lock held. */
bool buffer_check(const buffer *b);
static inline buffer *buffer_retain(buffer *b) {
    if (b) atomic_fetch_add(&b->references, 1);
    return b;
}
void buffer_release(buffer *b); /* its memory is given back in the order of the streams that use it */
/* A hold on the object alone. */
buffer *buffer_hold(buffer *b);
void buffer_let_go(buffer *b);

/* Where its bytes are, or will be, on a device; NULL if it has no copy there. An empty buffer has an address
 * everywhere. */
void *buffer_data(buffer *b, int slot);
bool buffer_is_valid_on(buffer *b, int slot);
int buffer_valid_slot(buffer *b); /* a device with a valid copy, the host first; -1: none */

/* Its bytes on the host, if they are there, good and checked without waiting; else NULL. */
const void *buffer_peek(buffer *b);

/* ---- before work is submitted: all that may fail */

/* Memory on the stream's device, without contents unless it has some already; NULL, with the error set, if there is
   none. *valid, unless NULL: whether its contents were as good as any when asked. */
void *buffer_allocate(buffer *b, int slot, tarn_stream *stream, bool *valid);
/* Gives host memory contents that are there already. */
void buffer_fill_on_host(buffer *b);

/* ---- while work is submitted: nothing fails */

/* Adds what work on a stream must wait for to read the copy on the device, or (writing) to write it, to after[0 ..
   count); what does not fit into `room` is waited for here. Returns the new count. */
int buffer_waits(buffer *b, int slot, bool writing, ticket *after, int count, int room);
/* Whether the caller is to fill the copy on the device from another, and tell buffer_was_copied; else it is valid.
   Waits while another thread does so, which is not long: until it has submitted that. */
bool buffer_claim_copy(buffer *b, int slot);
/* The work has been submitted; t is its end. */
void buffer_was_read(buffer *b, ticket t);
void buffer_was_written(buffer *b, int slot, ticket t); /* other copies are not valid any more */
void buffer_was_copied(buffer *b, int slot, ticket t);  /* the copy on the device is as good as the others from t on */
void buffer_drop_stale(buffer *b); /* gives back copies that are not valid; nobody else may be about to fill them */
void buffer_set_state(buffer *b, buffer_state state);
/* Waits while it is pending; false if it was given up. */
bool buffer_settle(buffer *b);
/* Waits until the buffer is filled, and what it was filled from has been checked. */
void buffer_wait(buffer *b);
bool buffer_is_done(buffer *b); /* whether nothing has to be waited for, and it is good */

void buffers_before_fork(void);
void buffers_after_fork(void);
void buffers_in_child(void);

/* The first why stays. */
void buffer_poison(buffer *b, const error_note *why);
/* NULL, or why. */
const error_note *buffer_poisoned(const buffer *b);
/* False, with that error set, if it is poisoned. */
bool buffer_is_good(const buffer *b);

#endif
