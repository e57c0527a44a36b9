/* Kernels from source. NVRTC is opened when the first is needed. What it made is kept in memory, and as
   $XDG_CACHE_HOME/tarn/cuda-<hash of source and architecture>.cubin (~/.cache without the variable): a file that does
   not load is made again. */
#include "cuda/cuda.h"

#include <dlfcn.h>
#include <nvrtc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

#define FUNCTIONS(F)                                                                                                   \
    F(nvrtcCreateProgram)                                                                                              \
    F(nvrtcDestroyProgram)                                                                                             \
    F(nvrtcCompileProgram)                                                                                             \
    F(nvrtcGetCUBINSize) F(nvrtcGetCUBIN) F(nvrtcGetProgramLogSize) F(nvrtcGetProgramLog) F(nvrtcGetErrorString)

static struct {
#define MEMBER(name) __typeof__(name) *name;
    FUNCTIONS(MEMBER)
    bool good;
} nvrtc;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

typedef struct entry {
    struct entry *next;
    char *source;
    int arch;
    cudaKernel_t kernel;
} entry;

enum { BUCKETS = 1024 };
static entry *entries[BUCKETS];

static void *open_library(void) {
    static const char *const names[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so",
                                        "/usr/local/cuda/lib64/libnvrtc.so"};
    void *library = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return library;
}

static bool load_nvrtc(void) {
    if (nvrtc.good) return true;
    void *library = open_library(), *symbol;
    if (!library)
        return tarn_fail("cuda: NVRTC (libnvrtc.so), which compiles kernels, is not installed: %s", dlerror());
    bool good = true;
#define FIND(name) good = (symbol = dlsym(library, #name)) && good, memcpy(&nvrtc.name, &symbol, sizeof symbol);
    FUNCTIONS(FIND)
    nvrtc.good = good;
    return good || tarn_fail("cuda: libnvrtc.so lacks functions: it is too old");
}

/* FNV-1a over the bytes. */
static uint64_t hash_of(const char *source, int arch, uint64_t hash) {
    hash ^= (uint64_t)arch;
    for (; *source; source++) hash = (hash ^ (unsigned char)*source) * UINT64_C(0x100000001B3);
    return hash ^ hash >> 29;
}

/* ---- files: every failure only means that the kernel is compiled again */
static bool cache_path(const char *source, int arch, text *path) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && *cache)
        text_format(path, "%s", cache);
    else if (home && *home)
        text_format(path, "%s/.cache", home);
    else
        return false;
    mkdir(text_string(path), 0777);
    text_add(path, "/tarn");
    mkdir(text_string(path), 0777);
    text_format(path, "/cuda-%016llx%016llx.cubin",
                (unsigned long long)hash_of(source, arch, UINT64_C(0xCBF29CE484222325)),
                (unsigned long long)hash_of(source, arch, UINT64_C(0x9E3779B97F4A7C15)));
    return !path->failed;
}

static char *read_all(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    struct stat facts;
    char *bytes = fstat(fileno(file), &facts) == 0 && facts.st_size > 0 ? memory_new(1, (size_t)facts.st_size) : NULL;
    if (bytes && fread(bytes, 1, (size_t)facts.st_size, file) != (size_t)facts.st_size) {
        memory_free(bytes);
        bytes = NULL;
    }
    fclose(file);
    return bytes;
}

static void write_all(const char *path, const char *bytes, size_t count) {
    text other = {0};
    if (!text_format(&other, "%s.%ld", path, (long)getpid())) return;
    FILE *file = fopen(text_string(&other), "wb");
    bool ok = file && fwrite(bytes, 1, count, file) == count;
    if (file) ok = fclose(file) == 0 && ok;
    if (!ok || rename(text_string(&other), path) != 0) unlink(text_string(&other));
    text_free(&other);
}

/* ---- compiling */
static bool failed(nvrtcProgram program, nvrtcResult result) {
    size_t length = 0;
    nvrtc.nvrtcGetProgramLogSize(program, &length);
    char *log = length ? memory_new(1, length + 1) : NULL;
    if (log) nvrtc.nvrtcGetProgramLog(program, log);
    tarn_fail("cuda: NVRTC: %s: %.1500s", nvrtc.nvrtcGetErrorString(result), log ? log : "");
    memory_free(log);
    return false;
}

typedef struct {
    const char *source, *name;
    const char *const *options;
    int option_count, arch;
} code;

static char *compile_program(nvrtcProgram program, const code *c, size_t *bytes) {
    enum { MOST = 8 };
    char target[32];
    const char *options[MOST] = {target, "-std=c++17"};
    int count = 2;
    snprintf(target, sizeof target, "-arch=sm_%d", c->arch);
    for (int i = 0; i < c->option_count && count < MOST; i++) options[count++] = c->options[i];
    nvrtcResult result = nvrtc.nvrtcCompileProgram(program, count, options);
    if (result == NVRTC_SUCCESS) result = nvrtc.nvrtcGetCUBINSize(program, bytes);
    if (result != NVRTC_SUCCESS) return failed(program, result), NULL;
    char *cubin = memory_new(1, *bytes);
    if (cubin) nvrtc.nvrtcGetCUBIN(program, cubin);
    return cubin;
}

static char *compile(const code *c, size_t *bytes) {
    nvrtcProgram program;
    if (!load_nvrtc()) return NULL;
    if (nvrtc.nvrtcCreateProgram(&program, c->source, "tarn.cu", 0, NULL, NULL) != NVRTC_SUCCESS)
        return tarn_fail("cuda: NVRTC failed"), NULL;
    char *cubin = compile_program(program, c, bytes);
    nvrtc.nvrtcDestroyProgram(&program);
    return cubin;
}

/* The code stays loaded; `cubin` is freed. */
static cudaKernel_t load(char *cubin, const char *name) {
    cudaLibrary_t library;
    cudaKernel_t kernel = NULL;
    if (cubin && cuda_ok(cudaLibraryLoadData(&library, cubin, NULL, NULL, 0, NULL, NULL, 0), "loading a kernel") &&
        !cuda_ok(cudaLibraryGetKernel(&kernel, library, name), "finding a kernel"))
        kernel = NULL;
    memory_free(cubin);
    return kernel;
}

static cudaKernel_t make(const code *c) {
    text path = {0};
    bool cached = cache_path(c->source, c->arch, &path);
    cudaKernel_t kernel = cached ? load(read_all(text_string(&path)), c->name) : NULL;
    tarn_clear_error();
    if (!kernel) {
        size_t bytes = 0;
        char *cubin = compile(c, &bytes);
        if (cubin && cached) write_all(text_string(&path), cubin, bytes);
        kernel = load(cubin, c->name);
    }
    text_free(&path);
    return kernel;
}

static entry **find(const char *source, int arch) {
    entry **at = &entries[hash_of(source, arch, 1) % BUCKETS];
    while (*at && ((*at)->arch != arch || strcmp((*at)->source, source) != 0)) at = &(*at)->next;
    return at;
}

static cudaKernel_t find_or_make(const code *c) {
    entry **at = find(c->source, c->arch);
    if (*at) return (*at)->kernel;
    entry *e = NEW(entry);
    char *copy = e ? memory_copy(c->source, strlen(c->source) + 1) : NULL;
    cudaKernel_t kernel = copy ? make(c) : NULL;
    if (kernel) {
        *e = (entry){.source = copy, .arch = c->arch, .kernel = kernel};
        *at = e;
        return kernel;
    }
    memory_free(copy);
    memory_free(e);
    return NULL;
}

cudaKernel_t cuda_compiled(const char *source, const char *name, const char *const *options, int option_count) {
    pthread_mutex_lock(&lock);
    cudaKernel_t kernel = find_or_make(&(code){source, name, options, option_count, cuda_capability()});
    pthread_mutex_unlock(&lock);
    return kernel;
}
