#include "core/move.h"

#include "base/files.h"
#include "base/memory.h"
#include "core/lock.h"
#include "core/work.h"
#include "tarn/error.h"

enum { MOST_TICKETS = 8 };

struct move {
    work w;
    buffer *b;
    block_copy copy;
    ticket after[MOST_TICKETS];
    awaited waits[MOST_TICKETS];
};

move *move_new(void) {
    return NEW(move);
}

void move_free(move *m) {
    memory_free(m);
}

static void after_copy(submission *s, int i, const char *error) {
    (void)i;
    if (error) buffer_poison(((move *)s)->b, &(error_note){TARN_ERROR_RUNTIME, error});
}

/* Memory of ours is given back in the order of streams; somebody else's is held until it has been read. */
static void done(submission *s) {
    move *m = (move *)s;
    buffer *b = m->b;
    work_complete(&m->w);
    if (b->file && m->copy.direction == COPY_TO_DEVICE) file_drop_pages(m->copy.from, (size_t)m->copy.bytes);
    move_free(m);
    if (b->foreign)
        buffer_release(b);
    else
        buffer_let_go(b);
}

static void submit(move *m, buffer *b, int from, int to, bool peers) {
    int device = to == DEVICE_HOST ? from : to;
    m->b = b->foreign ? buffer_retain(b) : buffer_hold(b);
    m->copy = (block_copy){.to = buffer_data(b, to),
                           .from = buffer_data(b, from),
                           .bytes = b->bytes,
                           .direction = peers               ? COPY_FROM_PEER
                                        : to == DEVICE_HOST ? COPY_TO_HOST
                                                            : COPY_TO_DEVICE,
                           .peer = peers ? slot_device_index(from) : 0};
    m->w = (work){.s = {.copies = &m->copy, .copy_count = 1, .after = after_copy, .done = done},
                  .stream = slot_copy_stream(device),
                  .after = m->after,
                  .waits = m->waits};
    m->w.after_count = buffer_waits(b, from, false, m->after, 0, MOST_TICKETS);
    m->w.after_count = buffer_waits(b, to, true, m->after, m->w.after_count, MOST_TICKETS);
    ticket end = stream_submit(&m->w);
    buffer_was_read(b, end);
    buffer_was_copied(b, to, end);
    pool_count_copy(device, to == DEVICE_HOST ? 0 : b->bytes, to == DEVICE_HOST ? b->bytes : 0);
}

static bool are_peers(int from, int to) {
    const backend *of = slot_backend(to);
    return of == slot_backend(from) && of->is_peer && of->is_peer(slot_device_index(to), slot_device_index(from));
}

bool move_reserve(buffer *b, int slot) {
    int from = buffer_valid_slot(b);
    if (!slot_check(slot) || (from >= 0 && !slot_check(from))) return false;
    bool streams = (slot == DEVICE_HOST || slot_copy_stream(slot)) && (from <= DEVICE_HOST || slot_copy_stream(from));
    return streams && buffer_allocate(b, slot, NULL, NULL) && buffer_allocate(b, DEVICE_HOST, NULL, NULL);
}

static void hop(move **m, buffer *b, int from, int to, bool peers) {
    if (!buffer_claim_copy(b, to)) return;
    submit(*m, b, from, to, peers);
    *m = NULL;
}

void move_to(buffer *b, int slot, move *moves[MOST_MOVES]) {
    int from = buffer_valid_slot(b);
    if (from < 0 || buffer_is_valid_on(b, slot)) return;
    bool peers = from != DEVICE_HOST && slot != DEVICE_HOST && are_peers(from, slot);
    if (from != DEVICE_HOST && slot != DEVICE_HOST && !peers) {
        hop(&moves[0], b, from, DEVICE_HOST, false);
        from = DEVICE_HOST;
    }
    hop(&moves[1], b, from, slot, peers);
}

/* A child of a fork shall find no copy claimed by a thread that it has not. */
static void move_now(buffer *b, int slot, move *moves[MOST_MOVES]) {
    fork_hold();
    move_to(b, slot, moves);
    fork_allow();
}

bool buffer_send(buffer *b, int slot) {
    if (buffer_is_valid_on(b, slot)) return true;
    move *moves[MOST_MOVES] = {move_new(), move_new()};
    bool ok = moves[0] && moves[1] && move_reserve(b, slot);
    if (ok) move_now(b, slot, moves);
    for (int i = 0; i < MOST_MOVES; i++) move_free(moves[i]);
    return ok;
}

bool buffer_bring(buffer *b, int slot) {
    buffer_wait(b);
    if (!buffer_is_good(b)) return false;
    if (!buffer_send(b, slot)) return false;
    buffer_wait(b);
    return buffer_is_good(b);
}
