/* Where storages lie. What lives within a run on one stream gets an offset: in memory that lies idle just then (a
   result's that is not written yet, an input's that was given away and is not read any more), else in the stream's
   scratch. All others have a buffer.

   The steps are walked from the last to the first: a storage begins to need memory at its last use and ceases to at its
   first, and a result's memory is free from its first step on. So a chain needs its result's memory and that of one
   more link, however long it is. */
#include "base/hard.h"
#include "eval/program.h"

enum { ALIGNMENT = 64, ROOM_CLASSES = 64, MOST_LOOKS = 8, MOST_LINGER = 16, AT_END = INT32_MAX };

/* A free part of a scratch. */
typedef struct {
    int64_t at, bytes;
} hole;
typedef VECTOR(hole) hole_list;

/* An idle stretch of another storage's memory. */
typedef struct {
    int storage, from, until; /* steps, both included */
    int next;                 /* of its size class */
} idle;

typedef struct {
    program *p;
    VECTOR(hole_list) holes; /* of each scratch, by address */
    VECTOR(idle) idles;
    int idle_classes[ROOM_CLASSES]; /* first of those with at least 2^i bytes, and less than twice as many; -1: none */
    int *ending; /* of each step: the first storage that it uses last; linked by next_ending; -1: none */
    int *next_ending;
} planner;

/* ---- lifetimes */

static void note_use(program *p, int v, int step_index, tarn_stream *stream, bool writes) {
    if (v < 0) return;
    storage *t = storage_of(p, v);
    if (t->first == AT_END && writes) t->first = step_index;
    t->last = t->exported ? AT_END : step_index;
    t->shared = t->shared || (t->stream && t->stream != stream);
    t->stream = stream;
}

/* The step up to which memory that a step uses last stays as it is: beyond it, where the backend runs several steps as
   one. */
static int lingers_until(const program *p, int step_index, const tarn_stream *stream) {
    int more = stream ? stream->backend->linger : 0, end = (int)p->steps.count - 1;
    return step_index + more < end ? step_index + more : end;
}

static void linger(program *p, storage *t) {
    if (t->last >= 0 && t->last < AT_END) t->last = lingers_until(p, t->last, t->stream);
}

/* Of what the program itself made: inputs may be read by others, results are; and what several streams share may be
   read by one of them at the same time. */
static void note_last_reads(program *p, int step_index) {
    step *st = &p->steps.items[step_index];
    for (int k = 0; k < st->input_count && k < 32; k++) {
        const storage *t = st->inputs[k] < 0 ? NULL : storage_of(p, st->inputs[k]);
        if (t && t->input < 0 && !t->shared && t->last == step_index) st->last_reads |= 1u << k;
    }
}

static void find_lifetimes(program *p) {
    for (size_t i = 0; i < p->storages.count; i++) {
        storage *t = &p->storages.items[i];
        t->stream = NULL;
        t->shared = false;
        t->first = t->input >= 0 ? -1 : AT_END;
        t->last = t->exported ? AT_END : -1;
        t->within = (int)i;
        t->bases = -1;
    }
    for (size_t i = 0; i < p->steps.count; i++) {
        const step *st = &p->steps.items[i];
        for (int k = 0; k < st->input_count; k++) note_use(p, st->inputs[k], (int)i, st->stream, false);
        for (int k = 0; k < st->output_count; k++) note_use(p, st->outputs[k], (int)i, st->stream, true);
        note_use(p, st->after - 1, (int)i, st->stream, false);
    }
    for (size_t i = 0; i < p->steps.count; i++) note_last_reads(p, (int)i);
    for (size_t i = 0; i < p->storages.count; i++) linger(p, &p->storages.items[i]);
}

/* ---- scratch */

static int64_t rounded(int64_t bytes) {
    return (bytes + (hard_mode() ? HARD_GUARD : 0) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int scratch_of(planner *pl, tarn_stream *stream) {
    for (size_t i = 0; i < pl->p->scratches.count; i++)
        if (pl->p->scratches.items[i].stream == stream) return (int)i;
    scratch made = {stream, 0};
    if (!vector_reserve(&pl->holes, 1) || !vector_push(&pl->p->scratches, made)) return -1;
    pl->holes.items[pl->holes.count++] = (hole_list){0};
    return (int)pl->p->scratches.count - 1;
}

/* The smallest hole that is large enough; else the end, with the hole that ends there. */
static int64_t take(planner *pl, int s, int64_t bytes) {
    hole_list *holes = &pl->holes.items[s];
    scratch *whole = &pl->p->scratches.items[s];
    size_t best = holes->count;
    for (size_t i = 0; i < holes->count; i++) {
        const hole *h = &holes->items[i];
        if (h->bytes >= bytes && (best == holes->count || h->bytes < holes->items[best].bytes)) best = i;
    }
    if (best == holes->count) {
        hole *last = holes->count ? &holes->items[holes->count - 1] : NULL;
        bool at_end = last && last->at + last->bytes == whole->bytes;
        int64_t at = at_end ? last->at : whole->bytes;
        holes->count -= at_end;
        whole->bytes = at + bytes;
        return at;
    }
    int64_t at = holes->items[best].at;
    holes->items[best].at += bytes;
    holes->items[best].bytes -= bytes;
    if (holes->items[best].bytes) return at;
    holes->count--;
    for (size_t i = best; i < holes->count; i++) holes->items[i] = holes->items[i + 1];
    return at;
}

/* Back among the holes, joined with its neighbours. */
static bool give(planner *pl, int s, int64_t at, int64_t bytes) {
    hole_list *holes = &pl->holes.items[s];
    size_t i = holes->count;
    while (i > 0 && holes->items[i - 1].at > at) i--;
    hole *before = i > 0 ? &holes->items[i - 1] : NULL, *behind = i < holes->count ? &holes->items[i] : NULL;
    bool joins_before = before && before->at + before->bytes == at, joins_behind = behind && at + bytes == behind->at;
    if (joins_before) {
        before->bytes += bytes + (joins_behind ? behind->bytes : 0);
        holes->count -= joins_behind;
        for (size_t k = i; joins_behind && k < holes->count; k++) holes->items[k] = holes->items[k + 1];
        return true;
    }
    if (joins_behind) {
        behind->at = at;
        behind->bytes += bytes;
        return true;
    }
    hole made = {at, bytes};
    if (!vector_push(holes, made)) return false;
    for (size_t k = holes->count - 1; k > i; k--) holes->items[k] = holes->items[k - 1];
    holes->items[i] = made;
    return true;
}

/* ---- idle memory of others */

static int class_of(int64_t bytes) {
    return 63 - __builtin_clzll((unsigned long long)(bytes | 1));
}

static bool note_idle(planner *pl, int t, int from, int until) {
    const storage *it = &pl->p->storages.items[t];
    if (it->bytes == 0 || from > until || it->shared || !it->stream) return true;
    int *first = &pl->idle_classes[class_of(it->bytes)];
    idle made = {t, from, until, *first};
    if (!vector_push(&pl->idles, made)) return false;
    *first = (int)pl->idles.count - 1;
    return true;
}

static bool fits(const program *p, const idle *it, const storage *t) {
    const storage *host = &p->storages.items[it->storage];
    return host->stream == t->stream && host->bytes >= t->bytes && it->from <= t->first && it->until >= t->last;
}

/* Storages come in the order of their last steps, backwards: what begins after this one's end is of no use any more.
   Only a few are looked at. */
static bool place_in_idle(planner *pl, storage *t) {
    int looks = MOST_LOOKS;
    for (int c = class_of(t->bytes); c < ROOM_CLASSES; c++) {
        for (int *link = &pl->idle_classes[c]; *link >= 0;) {
            idle *it = &pl->idles.items[*link];
            if (it->from > t->last || it->from > it->until) {
                *link = it->next;
                continue;
            }
            if (looks-- == 0) return false;
            if (fits(pl->p, it, t)) {
                t->within = it->storage;
                it->until = t->first - 1;
                return true;
            }
            link = &it->next;
        }
    }
    return false;
}

/* A result's memory before it is written; a given input's after it was last read. Where an argument begins, no plan can
 * know. */
static bool find_idles(planner *pl) {
    for (size_t i = 0; i < pl->p->storages.count; i++) {
        const storage *t = &pl->p->storages.items[i];
        bool written_here = t->exported && t->input < 0 && t->first != AT_END;
        if (written_here && !note_idle(pl, (int)i, 0, t->first - 1)) return false;
        bool given = t->donated && !t->exported && t->last >= 0 && pl->p->inputs.items[t->input].captured;
        if (given && !note_idle(pl, (int)i, t->last + 1, AT_END - 1)) return false;
    }
    return true;
}

/* ---- the walk over the steps */

static bool place(planner *pl, storage *t) {
    if (place_in_idle(pl, t)) return true;
    int s = scratch_of(pl, t->stream);
    if (s < 0) return false;
    t->within = ON_SCRATCH(s);
    t->at = take(pl, s, rounded(t->bytes));
    return true;
}

/* Whether it has no buffer of its own. */
static bool lies_within(const storage *t) {
    return t->input < 0 && !t->exported && !t->shared && t->bytes > 0 && t->first != AT_END;
}

/* By the step that uses it last. */
static void list_by_end(planner *pl) {
    for (size_t i = 0; i < pl->p->steps.count; i++) pl->ending[i] = -1;
    for (size_t i = 0; i < pl->p->storages.count; i++) {
        const storage *t = &pl->p->storages.items[i];
        if (!lies_within(t)) continue;
        pl->next_ending[i] = pl->ending[t->last];
        pl->ending[t->last] = (int)i;
    }
}

static bool place_ending(planner *pl, int index) {
    for (int t = pl->ending[index]; t >= 0; t = pl->next_ending[t])
        if (!place(pl, &pl->p->storages.items[t])) return false;
    return true;
}

static bool place_workspace(planner *pl, step *st) {
    st->scratch = st->workspace ? scratch_of(pl, st->stream) : 0;
    if (st->scratch < 0) return false;
    if (st->workspace) st->workspace_at = take(pl, st->scratch, rounded(st->workspace));
    return true;
}

/* Of the steps whose workspace stays as it is up to this one. */
static bool place_workspaces(planner *pl, int index) {
    for (int i = index; i >= 0 && index - i <= MOST_LINGER; i--) {
        step *st = &pl->p->steps.items[i];
        if (lingers_until(pl->p, i, st->stream) == index && !place_workspace(pl, st)) return false;
    }
    return true;
}

/* The memory of what the step is the first to write, and its workspace, is free before it. */
static bool free_beginning(planner *pl, int index) {
    const step *st = &pl->p->steps.items[index];
    if (st->workspace && !give(pl, st->scratch, st->workspace_at, rounded(st->workspace))) return false;
    for (int k = 0; k < st->output_count; k++) {
        const storage *t = st->outputs[k] < 0 ? NULL : storage_of(pl->p, st->outputs[k]);
        bool begins = t && t->first == index && t->within < 0;
        if (begins && !give(pl, ON_SCRATCH(t->within), t->at, rounded(t->bytes))) return false;
    }
    return true;
}

static bool plan(planner *pl) {
    program *p = pl->p;
    pl->ending = ARENA_NEW_ARRAY(&p->memory, int, p->steps.count);
    pl->next_ending = ARENA_NEW_ARRAY(&p->memory, int, p->storages.count);
    if (!pl->ending || !pl->next_ending) return false;
    for (int i = 0; i < ROOM_CLASSES; i++) pl->idle_classes[i] = -1;
    list_by_end(pl);
    bool ok = find_idles(pl);
    for (size_t i = p->steps.count; ok && i > 0; i--)
        ok = place_ending(pl, (int)i - 1) && place_workspaces(pl, (int)i - 1) && free_beginning(pl, (int)i - 1);
    return ok;
}

/* Most small evaluations have a result and nothing else. */
static bool needs_places(const program *p) {
    for (size_t i = 0; i < p->storages.count; i++)
        if (lies_within(&p->storages.items[i])) return true;
    for (size_t i = 0; i < p->steps.count; i++)
        if (p->steps.items[i].workspace) return true;
    return false;
}

static bool place_all(program *p) {
    planner pl = {.p = p};
    bool ok = plan(&pl);
    for (size_t i = 0; i < pl.holes.count; i++) vector_free(&pl.holes.items[i]);
    vector_free(&pl.holes);
    vector_free(&pl.idles);
    return ok;
}

bool program_plan_memory(program *p) {
    find_lifetimes(p);
    return !needs_places(p) || place_all(p);
}
