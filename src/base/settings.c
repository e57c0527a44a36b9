#include "base/settings.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cpu.h"
#include "tarn/error.h"

enum { MOST_THREADS = 1024 };

static struct {
    int threads;
    char *isa, *backends, *without;
    bool unfused, uncompiled, hard, tf32;
    char wrong[256]; /* what to say of a value that means nothing; the last one */
} settings;

static void complain(const char *name, const char *value, const char *expected) {
    snprintf(settings.wrong, sizeof settings.wrong, "the environment variable %s is \"%.80s\"; it must be %s", name,
             value, expected);
}

/* An empty value is as good as none. */
static const char *given(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* A copy: the environment's own bytes may change. */
static char *text_of(const char *name) {
    const char *value = given(name);
    char *copy = value ? strdup(value) : NULL;
    if (value && !copy) complain(name, value, "shorter: there is no memory for it");
    return copy;
}

static int count_of(const char *name, int most) {
    const char *value = given(name);
    if (!value) return 0;
    char *end;
    long n = strtol(value, &end, 10);
    if (!*end && n >= 1 && n <= most) return (int)n;
    char expected[64];
    snprintf(expected, sizeof expected, "a whole number from 1 to %d", most);
    return complain(name, value, expected), 0;
}

static bool is_on(const char *name, bool otherwise) {
    const char *value = given(name);
    if (!value) return otherwise;
    if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0) complain(name, value, "0 or 1");
    return strcmp(value, "0") != 0;
}

static void check_isa(void) {
    if (!settings.isa) return;
    char expected[128] = "one of";
    for (int i = 0; i < CPU_LEVELS; i++) {
        if (strcasecmp(settings.isa, cpu_levels[i].name) == 0) return;
        size_t length = strlen(expected);
        snprintf(expected + length, sizeof expected - length, " %s", cpu_levels[i].name);
    }
    complain("TARN_ISA", settings.isa, expected);
}

static void read_all(void) {
    settings.wrong[0] = 0;
    settings.threads = count_of("TARN_THREADS", MOST_THREADS);
    settings.isa = text_of("TARN_ISA");
    settings.backends = text_of("TARN_BACKENDS");
    settings.without = text_of("TARN_WITHOUT");
    settings.unfused = !is_on("TARN_FUSE", true);
    settings.uncompiled = !is_on("TARN_COMPILE", true);
    settings.hard = is_on("TARN_HARD", false);
    settings.tf32 = is_on("TARN_TF32", false);
    check_isa();
}

/* Asked many times in every evaluation. */
static void read_once(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static atomic_bool known;
    if (atomic_load_explicit(&known, memory_order_acquire)) return;
    pthread_once(&once, read_all);
    atomic_store_explicit(&known, true, memory_order_release);
}

void settings_read_again(void) {
    read_once();
    free(settings.isa);
    free(settings.backends);
    free(settings.without);
    read_all();
}

int settings_threads(void) {
    read_once();
    return settings.threads;
}

const char *settings_isa(void) {
    read_once();
    return settings.isa;
}

const char *settings_backends(void) {
    read_once();
    return settings.backends;
}

const char *settings_without_list(void) {
    read_once();
    return settings.without ? settings.without : "";
}

bool settings_without(const char *op) {
    const char *list = settings_without_list();
    size_t length = *list ? strlen(op) : 0;
    for (const char *p = list; *p && (p = strstr(p, op)); p += length)
        if ((p == list || p[-1] == ',') && (p[length] == 0 || p[length] == ',')) return true;
    return false;
}

bool settings_fuse(void) {
    read_once();
    return !settings.unfused;
}

bool settings_compile(void) {
    read_once();
    return !settings.uncompiled;
}

bool settings_hard(void) {
    read_once();
    return settings.hard;
}

bool settings_tf32(void) {
    read_once();
    return settings.tf32;
}

bool settings_check(void) {
    read_once();
    return settings.wrong[0] ? tarn_fail("%s", settings.wrong) : true;
}
