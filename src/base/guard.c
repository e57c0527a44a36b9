/* The SIGBUS handler and the list of ranges it knows. Slots are never freed, so that the handler can walk the list
 * without a lock. */
#include "base/guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "tarn/error.h"

struct guard {
    atomic_bool taken, broken;
    _Atomic uintptr_t begin, end; /* end 0: no range */
    atomic_uint changes;          /* of the range; odd: one is being made */
    guard *next;
};

static _Atomic(guard *) first;
static struct sigaction before;
static uintptr_t page;
static bool installed;

/* Another range may come into the slot between two looks; that of the asker, which stays, never does. */
static bool covers(const guard *g, uintptr_t begin, uintptr_t end) {
    unsigned changes = atomic_load(&g->changes);
    bool inside = begin >= atomic_load(&g->begin) && end <= atomic_load(&g->end);
    return inside && changes % 2 == 0 && atomic_load(&g->changes) == changes;
}

static bool replace_pages(guard *g, uintptr_t at) {
    uintptr_t begin = at & ~(page - 1), end = (atomic_load(&g->end) + page - 1) & ~(page - 1);
    atomic_store(&g->broken, true);
    /* mmap is a bare system call here; POSIX does not list it as safe in handlers, Linux makes it so. */
    return mmap((void *)begin, end - begin, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

static void pass_on(int signal_number, siginfo_t *info, void *context) {
    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(signal_number, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(signal_number);
    } else {
        /* Not ours: the read is repeated and ends the process as it would have done without us. */
        signal(SIGBUS, SIG_DFL);
    }
}

static void on_bus_error(int signal_number, siginfo_t *info, void *context) {
    int saved = errno;
    uintptr_t at = (uintptr_t)info->si_addr;
    bool done = false;
    /* A signal that somebody sent (code 0 or below) has no address. */
    for (guard *g = atomic_load(&first); info->si_code > 0 && g && !done; g = g->next)
        if (covers(g, at, at + 1)) done = replace_pages(g, at);
    if (!done) pass_on(signal_number, info, context);
    errno = saved;
}

static void install(void) {
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    page = (uintptr_t)sysconf(_SC_PAGESIZE);
    installed = sigaction(SIGBUS, &action, &before) == 0;
}

static guard *take_slot(void) {
    for (guard *g = atomic_load(&first); g; g = g->next) {
        bool free_slot = false;
        if (atomic_compare_exchange_strong(&g->taken, &free_slot, true)) return g;
    }
    guard *g = NEW(guard);
    if (!g) return NULL;
    atomic_store(&g->taken, true);
    g->next = atomic_load(&first);
    while (!atomic_compare_exchange_weak(&first, &g->next, g)) {
    }
    return g;
}

static void set_range(guard *g, uintptr_t begin, uintptr_t end) {
    atomic_fetch_add(&g->changes, 1);
    atomic_store(&g->begin, begin);
    atomic_store(&g->end, end);
    atomic_fetch_add(&g->changes, 1);
}

guard *guard_add(const void *begin, size_t length) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    if (!installed) return tarn_fail_kind(TARN_ERROR_RUNTIME, "cannot install a handler for SIGBUS"), NULL;
    guard *g = take_slot();
    if (!g) return NULL;
    atomic_store(&g->broken, false);
    set_range(g, (uintptr_t)begin, (uintptr_t)begin + length);
    return g;
}

bool guard_covers(const void *begin, size_t length) {
    const guard *g = atomic_load(&first);
    while (g && !covers(g, (uintptr_t)begin, (uintptr_t)begin + length)) g = g->next;
    return g != NULL;
}

bool guard_broken(const guard *g) {
    return g && atomic_load(&g->broken);
}

void guard_remove(guard *g) {
    if (!g) return;
    set_range(g, 0, 0);
    atomic_store(&g->taken, false);
}
