#include "base/cpu.h"

#include <cpuid.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const names[ISA_COUNT] = {"baseline", "avx2", "avx512", "vnni", "amx"};

const char *cpu_isa_name(cpu_isa isa) {
    return isa < ISA_COUNT ? names[isa] : "unknown";
}

/* The kernel gives a process the 8 KiB of tile state only when it asks (Linux 5.16: arch_prctl ARCH_REQ_XCOMP_PERM, feature 18). */
static bool request_tiles(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    bool has_tile = d & 1u << 24, has_int8 = d & 1u << 25, has_bf16 = d & 1u << 22;
    return has_tile && has_int8 && has_bf16 && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

static cpu_isa detect(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return ISA_BASELINE;
    bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd");
    if (!avx512) return ISA_AVX2;
    unsigned a, b, c, d;
    bool bf16 = __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 5);
    if (!bf16 || !__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512vbmi")) return ISA_AVX512;
    return request_tiles() ? ISA_AMX : ISA_VNNI;
}

static _Atomic int best = -1, limit = ISA_COUNT;

cpu_isa cpu_machine_isa(void) {
    static _Atomic int found = -1;
    if (atomic_load(&found) < 0) atomic_store(&found, (int)detect());
    return (cpu_isa)atomic_load(&found);
}

/* What the machine has, lowered by TARN_ISA. */
static cpu_isa allowed_isa(void) {
    int isa = atomic_load(&best);
    if (isa >= 0) return (cpu_isa)isa;
    isa = (int)cpu_machine_isa();
    const char *wanted = getenv("TARN_ISA");
    for (int i = 0; wanted && i < isa; i++)
        if (strcasecmp(wanted, names[i]) == 0) isa = i;
    atomic_store(&best, isa);
    return (cpu_isa)isa;
}

cpu_isa cpu_best_isa(void) {
    cpu_isa machine = allowed_isa(), wanted = (cpu_isa)atomic_load(&limit);
    return wanted < machine ? wanted : machine;
}

void cpu_limit_isa(cpu_isa wanted) {
    atomic_store(&limit, (int)wanted);
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
    const char *wanted = getenv("TARN_THREADS");
    long n = wanted ? strtol(wanted, NULL, 10) : 0;
    if (n >= 1 && n <= 1024) return (int)n;
    int cores = physical_cores(), quota = quota_cores();
    return cores < quota ? cores : quota;
}

size_t cpu_l2_bytes(void) {
    long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
    return bytes > 0 ? (size_t)bytes : (size_t)1 << 20;
}
