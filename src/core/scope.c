/* A thread's scopes are one list of arrays with a mark where each scope begins; moved arrays wait in a second list until an operation takes
   them, or their scope ends. Lists of results go with their scope. */
#include "core/scope.h"

#include "base/memory.h"
#include "base/vector.h"
#include "core/lock.h"
#include "core/release.h"
#include "core/results.h"

/* Where a scope's part of each begins. */
typedef struct {
    size_t held, moved, lists;
} scope_mark;

static _Thread_local struct {
    VECTOR(tarn_array *) held, moved; /* held has NULL where an array was taken out */
    size_t holes;                     /* how many */
    VECTOR(tarn_results *) lists;
    VECTOR(scope_mark) marks; /* one a scope */
    trace *traces;            /* innermost first */
} local;

bool scope_check_open(const char *what) {
    return local.marks.count > 0 ? true : tarn_fail("%s: no scope is open in this thread (TARN_SCOPE)", what);
}

int tarn_scope_begin(void) {
    /* Without memory for the mark the scope is not opened; the error says so, and its end is told apart by the depth. */
    scope_mark mark = {local.held.count, local.moved.count, local.lists.count};
    return vector_push(&local.marks, mark) ? (int)local.marks.count : -1;
}

static void release_held(tarn_array *a) {
    if (!a) {
        local.holes--;
        return;
    }
    atomic_fetch_sub(&a->scopes, 1);
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
    if (local.marks.count == 0) {
        vector_free(&local.held);
        vector_free(&local.moved);
        vector_free(&local.lists);
        vector_free(&local.marks);
    }
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
    if (!vector_reserve(&local.held, (size_t)n->output_count)) return false;
    for (int i = 0; i < n->output_count; i++) scope_hold(&n->outputs[i]);
    return true;
}

tarn_array *tarn_keep(tarn_array *a) {
    if (!a) return NULL;
    atomic_fetch_add(&a->keeps, 1);
    node_retain(a->node);
    return a;
}

void tarn_drop(tarn_array *a) {
    if (!a) return;
    atomic_fetch_sub(&a->keeps, 1);
    node_release(a->node);
    release_drain();
}

/* Where in the list a is; its count if it is not there. Arrays that several threads' scopes hold, or one scope twice, are searched. */
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
    if (i + 1 == local.held.count && i >= local.marks.items[local.marks.count - 1].held) return local.held.count--, true;
    local.held.items[i] = NULL;
    local.holes++;
    if (local.holes > 32 && local.holes > local.held.count / 2) compact_held();
    return true;
}

tarn_array *tarn_move(tarn_array *a) {
    if (!a) return NULL;
    bool scoped = atomic_load(&a->scopes) > 0, kept = atomic_load(&a->keeps) > 0;
    if (!scoped && !kept) return a;
    bool ok = vector_push(&local.moved, a); /* without memory the holds are given up all the same, and there is nothing to go on with */
    if (ok) node_retain(a->node);
    while (atomic_load(&a->scopes) > 0 && leave_scopes(a)) {
        atomic_fetch_sub(&a->scopes, 1);
        node_release(a->node);
    }
    if (kept) tarn_drop(a);
    return ok ? a : NULL;
}

void scope_consume_moved(const node *n) {
    for (int i = 0; i < n->input_count && local.moved.count; i++) {
        for (size_t j = local.moved.count; j > 0 && n->inputs[i]; j--) {
            if (local.moved.items[j - 1] != n->inputs[i]) continue;
            size_t last = --local.moved.count;
            local.moved.items[j - 1] = local.moved.items[last];
            for (size_t m = 0; m < local.marks.count; m++)
                if (local.marks.items[m].moved > last) local.marks.items[m].moved = last;
            node_release(n->inputs[i]->node);
        }
    }
}

tarn_array *tarn_return(tarn_array *a) {
    if (!a) return NULL;
    size_t depth = local.marks.count;
    if (depth < 2) {
        tarn_fail("tarn_return: no scope around the innermost one");
        return NULL;
    }
    size_t *mark = &local.marks.items[depth - 1].held, i = held_place(a);
    if (i < *mark || i == local.held.count) return a; /* held by an outer scope or by a keep already */
    /* The parts of the scopes lie behind each other: a changes places with the first of this scope's, and then the part begins behind it.
       So the outer scope's has grown by a, without memory. */
    place(local.held.items[*mark], i);
    place(a, (*mark)++);
    return a;
}

/* ---- traces */

struct trace {
    trace *outer;
    VECTOR(node *) nodes;
};

trace *trace_begin(void) {
    trace *t = NEW(trace);
    if (!t) return NULL;
    t->outer = local.traces;
    local.traces = t;
    return t;
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
