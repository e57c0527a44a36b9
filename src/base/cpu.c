#include "base/cpu.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/settings.h"

enum {
    UP_TO_AVX2 = CPU_AVX2,
    UP_TO_AVX512 = CPU_AVX2 | CPU_AVX512,
    UP_TO_VNNI = UP_TO_AVX512 | CPU_AVX512VNNI,
    UP_TO_VBMI = UP_TO_VNNI | CPU_AVX512VBMI,
    UP_TO_BF16 = UP_TO_VBMI | CPU_AVX512BF16,
    EVERYTHING = 0x7fffffff
};

const cpu_level cpu_levels[CPU_LEVELS] = {
    {"baseline", 0, 0},
    {"avx2", UP_TO_AVX2, 0},
    {"avxvnni", UP_TO_AVX2 | CPU_AVXVNNI, 0},
    {"avx512", UP_TO_AVX512, 0},
    {"avx512vnni", UP_TO_VNNI, 0},
    {"avx512vbmi", UP_TO_VBMI, 0},
    {"avx512bf16", UP_TO_BF16, CPU_FASTBF16},
    {"amx", UP_TO_BF16 | CPU_AMX, EVERYTHING},
};

static const char *const feature_names[] = {"avx2",       "avxvnni",    "avx512",   "avx512vnni", "avx512vbmi",
                                            "avx512bf16", "avx512fp16", "fastbf16", "amx",        "neon"};

void cpu_features_text(cpu_features features, char text[CPU_TEXT]) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < sizeof feature_names / sizeof *feature_names; i++)
        if (features >> i & 1)
            used += (size_t)snprintf(text + used, CPU_TEXT - used, "%s%s", used ? " " : "", feature_names[i]);
    if (!used) snprintf(text, CPU_TEXT, "baseline");
}

/* What is not known yet has this bit alone, which is no feature. */
static const cpu_features unknown = 1u << 31;

cpu_features cpu_found(void) {
    static _Atomic cpu_features found = 1u << 31;
    if (atomic_load(&found) == unknown) atomic_store(&found, cpu_detect());
    return atomic_load(&found);
}

/* What TARN_ISA leaves of the machine's features. */
static cpu_features allowed(void) {
    static _Atomic cpu_features left = 1u << 31;
    if (atomic_load(&left) != unknown) return atomic_load(&left);
    cpu_features mask = EVERYTHING;
    const char *wanted = settings_isa();
    for (int i = 0; wanted && i < CPU_LEVELS; i++)
        if (strcasecmp(wanted, cpu_levels[i].name) == 0) mask = cpu_levels[i].needs | cpu_levels[i].allows;
    atomic_store(&left, cpu_found() & mask);
    return atomic_load(&left);
}

static _Atomic cpu_features limit = EVERYTHING;

cpu_features cpu_used(void) {
    return allowed() & atomic_load(&limit);
}

bool cpu_limit(const cpu_level *level) {
    atomic_store(&limit, level ? level->needs | level->allows : EVERYTHING);
    return !level || cpu_has(level->needs);
}

static char model_name[128];

const char *cpu_model_name(void) {
    if (model_name[0]) return model_name;
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[256];
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        colon[strcspn(colon, "\n")] = 0;
        snprintf(model_name, sizeof model_name, "%.100s", colon + 2);
        break;
    }
    if (f) fclose(f);
    return model_name;
}

static long read_number(const char *path, long fallback) {
    FILE *f = fopen(path, "re");
    long value = fallback;
    if (f && fscanf(f, "%ld", &value) != 1) value = fallback;
    if (f) fclose(f);
    return value;
}

/* CPUs in the affinity mask, hyperthreads of one core counted once. */
static int physical_cores(void) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
    int count = 0;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed)) continue;
        char path[96];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%zu/topology/thread_siblings_list", cpu);
        long first = read_number(path, (long)cpu);
        count += first == (long)cpu || first < 0 || first >= CPU_SETSIZE || !CPU_ISSET((size_t)first, &allowed);
    }
    return count > 0 ? count : 1;
}

static int quota_cores(void) {
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    long quota = 0, period = 0;
    int found = f ? fscanf(f, "%ld %ld", &quota, &period) : 0;
    if (f) fclose(f);
    if (found != 2 || period <= 0) { /* version 1, or no quota ("max") */
        quota = read_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", -1);
        period = read_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us", 0);
    }
    return quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : CPU_SETSIZE;
}

int cpu_thread_count(void) {
    if (settings_threads()) return settings_threads();
    int cores = physical_cores(), quota = quota_cores();
    return cores < quota ? cores : quota;
}
