#include "core/quarantine.h"

#include "base/memory.h"
#include "tarn/error.h"

enum { ROOM = 4096 };

/* A ring: who comes frees who came ROOM nodes earlier. */
static node *_Atomic waiting[ROOM];
static atomic_uint next_place;

void quarantine_free(node *n) {
    memory_free(hard_mode() ? atomic_exchange(&waiting[atomic_fetch_add(&next_place, 1) % ROOM], n) : n);
}

bool quarantine_check(const char *what, const tarn_array *a) {
    if (node_references(a->node) > 0) return true;
    return tarn_fail("%s: array used after its scope ended", what);
}

bool arrays_check(const char *what, tarn_array *const *arrays, int count) {
    if (!tarn_ok()) return false;
    if (count < 0 || (count && !arrays)) return tarn_fail("%s: %d arrays%s", what, count, arrays ? "" : " at NULL");
    for (int i = 0; i < count; i++) {
        if (!arrays[i]) return tarn_fail("%s: array %d is NULL", what, i);
        if (!array_check_alive(what, arrays[i])) return false;
    }
    return true;
}

/* The process ends: tools that look for leaks would report them. */
__attribute__((destructor)) static void free_waiting(void) {
    for (int i = 0; i < ROOM; i++) memory_free(atomic_exchange(&waiting[i], NULL));
}
