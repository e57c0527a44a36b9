#include "core/fallback.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "base/vector.h"
#include "tarn/device.h"

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

void fallback_before_fork(void) {
    pthread_mutex_lock(&fallback_lock);
}

void fallback_after_fork(void) {
    pthread_mutex_unlock(&fallback_lock);
}
