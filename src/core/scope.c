/* A thread's scopes are one list of arrays with a mark where each scope begins. Lists of results go with their scope.
   What was moved loses its holds at once, but not its node: that waits in a list of its own until the scope ends, so
   that whatever else an expression says of the array, before or after the move, speaks of an array that is there. */
#include "core/scope.h"

#include <pthread.h>

#include "base/memory.h"
#include "base/vector.h"
#include "core/lock.h"
#include "core/quarantine.h"
#include "core/release.h"
#include "core/results.h"

/* Where a scope's part of each begins. */
typedef struct {
    size_t held, moved, lists;
} scope_mark;

/* Of the moved arrays of a scope: how many keep their nodes, and how many of these a value that nothing was written
 * over. */
enum { MOST_MOVED = 256, MOST_MOVED_VALUES = 4 };

/* A list with more room than this is freed when the last scope ends; others stay with the thread. */
enum { ROOM_KEPT = 4096 };

static _Thread_local struct {
    VECTOR(tarn_array *) held, moved; /* held has NULL where an array was taken out */
    size_t holes;                     /* how many */
    VECTOR(tarn_results *) lists;
    VECTOR(scope_mark) marks; /* one a scope */
    trace *traces;            /* innermost first */
    bool lasts;               /* the lists are freed when the thread ends */
} local;

bool scope_check_open(const char *what) {
    return local.marks.count > 0 ? true : tarn_fail("%s: no scope is open in this thread (TARN_SCOPE)", what);
}

static pthread_key_t thread_end;
static pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;
static bool has_thread_end;

static void free_lists(void) {
    vector_free(&local.held);
    vector_free(&local.moved);
    vector_free(&local.lists);
    vector_free(&local.marks);
}

static void end_thread(void *scope) {
    (void)scope;
    tarn_scope_end(&(int){1}); /* those that the thread left open */
    free_lists();
    local.lasts = false;
}

static void make_thread_end(void) {
    has_thread_end = pthread_key_create(&thread_end, end_thread) == 0;
}

/* Whether the lists may stay between scopes: somebody frees them at the thread's end. */
static void let_lists_last(void) {
    pthread_once(&thread_end_once, make_thread_end);
    local.lasts = has_thread_end && pthread_setspecific(thread_end, &local) == 0;
}

int tarn_scope_begin(void) {
    if (!local.lasts) let_lists_last();
    /* Without memory for the mark the scope is not opened; the error says so, and its end is told apart by the depth.
     */
    scope_mark mark = {local.held.count, local.moved.count, local.lists.count};
    return vector_push(&local.marks, mark) ? (int)local.marks.count : -1;
}

/* A result of several that nobody holds any more gives its memory back, while its node stays for the others. */
static void give_up_sibling(tarn_array *a) {
    const node *n = a->node;
    if (n->output_count == 1 || array_is_held(a) || atomic_load(&n->traced) || lock_is_held()) return;
    schedule_lock();
    if (!array_is_held(a)) array_set_value(a, NULL, 0, NULL);
    schedule_unlock();
}

static void release_held(tarn_array *a) {
    if (!a) {
        local.holes--;
        return;
    }
    atomic_fetch_sub(&a->scopes, 1);
    give_up_sibling(a);
    node_release(a->node);
}

static void end_innermost(void) {
    scope_mark mark = vector_pop(&local.marks);
    if (local.marks.count == 0) mark.moved = 0; /* also what was moved when no scope was open, or could be */
    while (local.lists.count > mark.lists) results_free(vector_pop(&local.lists));
    while (local.moved.count > mark.moved) node_release(vector_pop(&local.moved)->node);
    while (local.held.count > mark.held) release_held(vector_pop(&local.held));
}

void tarn_scope_end(const int *scope) {
    /* Scopes that a jump or an exception left open lie above this one: they end with it. */
    if (!scope || *scope < 1 || local.marks.count < (size_t)*scope) return;
    while (local.marks.count >= (size_t)*scope) end_innermost();
    bool large =
        local.held.capacity > ROOM_KEPT || local.lists.capacity > ROOM_KEPT || local.marks.capacity > ROOM_KEPT;
    if (local.marks.count == 0 && (large || !local.lasts)) free_lists();
    release_drain();
}

bool scope_own(tarn_results *list) {
    return vector_push(&local.lists, list);
}

static void place(tarn_array *a, size_t i) {
    local.held.items[i] = a;
    if (a) atomic_store_explicit(&a->scope_place, i, memory_order_relaxed);
}

bool scope_hold(tarn_array *a) {
    if (!vector_push(&local.held, a)) return false;
    place(a, local.held.count - 1);
    atomic_fetch_add(&a->scopes, 1);
    node_retain(a->node);
    return true;
}

bool scope_register(node *n) {
    if (!vector_reserve(&local.held, (size_t)n->output_count)) {
        node_release(n);
        return false;
    }
    for (int i = 0; i < n->output_count; i++) {
        local.held.count++;
        place(&n->outputs[i], local.held.count - 1);
        atomic_init(&n->outputs[i].scopes, 1);
        if (i > 0) node_retain(n);
    }
    return true;
}

tarn_array *tarn_keep(tarn_array *a) {
    if (!a || !array_check_alive("keep", a)) return NULL;
    atomic_fetch_add(&a->keeps, 1);
    node_retain(a->node);
    return a;
}

tarn_array *tarn_hold(tarn_array *a) {
    return a && array_check_alive("hold", a) && scope_check_open("hold") && scope_hold(a) ? a : NULL;
}

/* One keep less; false if there is none. The node's reference is the caller's to release. */
static bool take_keep(tarn_array *a) {
    int keeps = atomic_load(&a->keeps);
    while (keeps > 0 && !atomic_compare_exchange_weak(&a->keeps, &keeps, keeps - 1)) {
    }
    return keeps > 0;
}

void tarn_drop(tarn_array *a) {
    if (!a || !array_check_alive("drop", a)) return;
    if (take_keep(a)) {
        give_up_sibling(a);
        node_release(a->node);
    } else
        fail_shapes(a, NULL, NULL, "drop: the array is not kept (tarn_keep, tarn_own)");
    release_drain();
}

/* Where in the list a is; its count if it is not there. Arrays that several threads' scopes hold, or one scope twice,
 * are searched. */
static size_t held_place(const tarn_array *a) {
    size_t i = atomic_load_explicit(&a->scope_place, memory_order_relaxed);
    if (i < local.held.count && local.held.items[i] == a) return i;
    for (i = local.held.count; i > 0; i--)
        if (local.held.items[i - 1] == a) return i - 1;
    return local.held.count;
}

/* Closes the holes: done when they are half of the list, so that its cost is spread over those who made them. */
static void compact_held(void) {
    size_t to = 0, mark = 0;
    for (size_t i = 0; i <= local.held.count; i++) {
        for (; mark < local.marks.count && local.marks.items[mark].held == i; mark++) local.marks.items[mark].held = to;
        if (i < local.held.count && local.held.items[i]) place(local.held.items[i], to++);
    }
    local.held.count = to;
    local.holes = 0;
}

/* The scopes' hold on a, taken out of the list. */
static bool leave_scopes(tarn_array *a) {
    size_t i = held_place(a);
    if (i == local.held.count) return false;
    if (i + 1 == local.held.count && i >= local.marks.items[local.marks.count - 1].held)
        return local.held.count--, true;
    local.held.items[i] = NULL;
    local.holes++;
    if (local.holes > 32 && local.holes > local.held.count / 2) compact_held();
    return true;
}

tarn_array *tarn_own(tarn_array *a) {
    if (!a || !array_check_alive("own", a)) return NULL;
    atomic_fetch_add(&a->keeps, 1);
    if (atomic_load(&a->scopes) > 0 && leave_scopes(a))
        atomic_fetch_sub(&a->scopes, 1);
    else
        node_retain(a->node);
    return a;
}

/* The list grows with the scope's operations otherwise. */
static void forget_oldest_moved(size_t begin) {
    tarn_array *a = local.moved.items[begin];
    if (atomic_load(&a->moved) != MOVED_AND_READ) return;
    for (size_t i = begin + 1; i < local.moved.count; i++) local.moved.items[i - 1] = local.moved.items[i];
    local.moved.count--;
    node_release(a->node);
}

/* What nobody holds, and no operation that is still to be computed reads, loses its value. */
static void give_up_value(tarn_array *a) {
    if (atomic_load(&a->moved) != MOVED_AND_READ) return;
    schedule_lock();
    if (a->buffer && !array_is_held(a)) {
        a->given_away = true;
        array_set_value(a, NULL, 0, NULL);
    }
    schedule_unlock();
}

static bool remember_moved(tarn_array *a) {
    size_t begin = local.marks.count ? local.marks.items[local.marks.count - 1].moved : 0;
    if (local.moved.count - begin >= MOST_MOVED) forget_oldest_moved(begin);
    if (!vector_push(&local.moved, a)) return false;
    atomic_store(&a->moved, MOVED_UNREAD);
    node_retain(a->node);
    if (local.moved.count - begin > MOST_MOVED_VALUES)
        give_up_value(local.moved.items[local.moved.count - 1 - MOST_MOVED_VALUES]);
    return true;
}

tarn_array *tarn_move(tarn_array *a) {
    if (!a || !array_check_alive("move", a)) return NULL;
    if (!atomic_load(&a->scopes) && !atomic_load(&a->keeps)) return a;
    bool ok =
        remember_moved(a); /* without memory the holds are given up all the same, and there is nothing to go on with */
    while (atomic_load(&a->scopes) > 0 && leave_scopes(a)) {
        atomic_fetch_sub(&a->scopes, 1);
        node_release(a->node);
    }
    if (take_keep(a)) node_release(a->node);
    release_drain();
    return ok ? a : NULL;
}

tarn_array *tarn_return(tarn_array *a) {
    if (!a || !array_check_alive("return", a)) return NULL;
    size_t depth = local.marks.count;
    if (depth < 2) {
        tarn_fail("tarn_return: no scope around the innermost one");
        return NULL;
    }
    size_t *mark = &local.marks.items[depth - 1].held, i = held_place(a);
    if (i < *mark || i == local.held.count) return a; /* held by an outer scope or by a keep already */
    /* The parts of the scopes lie behind each other: a changes places with the first of this scope's, and then the part
       begins behind it. So the outer scope's has grown by a, without memory. */
    place(local.held.items[*mark], i);
    place(a, (*mark)++);
    return a;
}

/* ---- traces */

struct trace {
    trace *outer;
    bool holds_sizes;
    VECTOR(node *) nodes;
};

trace *trace_begin(void) {
    trace *t = NEW(trace);
    if (!t) return NULL;
    t->outer = local.traces;
    if (t->outer) t->outer->holds_sizes = true;
    local.traces = t;
    return t;
}

void trace_note_sizes(const tarn_array *a) {
    if (local.traces && trace_reaches(a)) local.traces->holds_sizes = true;
}

bool trace_holds_sizes(const trace *t) {
    return t->holds_sizes;
}

static bool trace_add(trace *t, node *n) {
    if (!vector_push(&t->nodes, n)) return false;
    node_retain(n);
    atomic_fetch_add(&n->traced, 1);
    return true;
}

bool trace_mark(trace *t, tarn_array *a) {
    return trace_add(t, a->node);
}

bool trace_is_active(void) {
    return local.traces;
}

bool trace_reaches(const tarn_array *a) {
    return atomic_load(&a->node->traced) > 0;
}

bool trace_register(node *n) {
    if (!local.traces) return true;
    bool reached = false;
    for (int i = 0; i < n->input_count; i++) reached = reached || (n->inputs[i] && trace_reaches(n->inputs[i]));
    for (trace *t = local.traces; t && reached; t = t->outer)
        if (!trace_add(t, n)) return false;
    return true;
}

void trace_end(trace *t) {
    if (!t) return;
    local.traces = t->outer;
    schedule_lock(); /* another thread may be reading the inputs that nodes forget here */
    for (size_t i = t->nodes.count; i > 0; i--) {
        node *n = t->nodes.items[i - 1];
        if (atomic_fetch_sub(&n->traced, 1) == 1) {
            bool computed = true;
            for (int j = 0; j < n->output_count; j++) computed = computed && n->outputs[j].buffer;
            if (computed) node_forget_inputs(n);
        }
        node_release(n);
    }
    schedule_unlock();
    vector_free(&t->nodes);
    memory_free(t);
}

trace *trace_suspend(void) {
    trace *t = local.traces;
    local.traces = NULL;
    return t;
}

void trace_resume(trace *t) {
    local.traces = t;
}
