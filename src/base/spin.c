#include "base/spin.h"

#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "base/cpu.h"

enum { YIELD_AFTER = 5000 /* ns */, TURNS_A_LOOK = 8 /* at the clock, which costs about one pause */ };

static bool few_cores(void) {
    static _Atomic int known; /* 0: not asked yet, 1: more than two, 2: at most two */
    if (!atomic_load_explicit(&known, memory_order_relaxed)) atomic_store(&known, cpu_thread_count() <= 2 ? 2 : 1);
    return atomic_load_explicit(&known, memory_order_relaxed) == 2;
}

static int64_t nanoseconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

bool spin_once(spin *s, int64_t nanoseconds) {
    if (s->yields)
        sched_yield();
    else
        cpu_relax();
    if (++s->turns % TURNS_A_LOOK && !s->yields) return true;
    int64_t now = nanoseconds_now();
    if (!s->began) s->began = now;
    s->yields = now - s->began >= YIELD_AFTER && few_cores();
    return now - s->began < nanoseconds;
}
