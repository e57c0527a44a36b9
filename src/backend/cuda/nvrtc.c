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
    size_t bytes;     /* of its code */
    uint64_t devices; /* whose budgets have them */
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

typedef struct {
    char *bytes; /* NULL: there is none */
    size_t count;
} cubin;

static cubin read_all(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return (cubin){0};
    struct stat facts;
    size_t count = fstat(fileno(file), &facts) == 0 && facts.st_size > 0 ? (size_t)facts.st_size : 0;
    char *bytes = count ? memory_new(1, count) : NULL;
    if (bytes && fread(bytes, 1, count, file) != count) {
        memory_free(bytes);
        bytes = NULL;
    }
    fclose(file);
    return (cubin){bytes, count};
}

static void write_all(const char *path, const cubin *c) {
    text other = {0};
    if (!text_format(&other, "%s.%ld", path, (long)getpid())) return;
    FILE *file = fopen(text_string(&other), "wb");
    bool ok = file && fwrite(c->bytes, 1, c->count, file) == c->count;
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

/* Without those that an older NVRTC may not know. */
static int drop_optional(const char **options, int count) {
    int left = 0;
    for (int i = 0; i < count; i++)
        if (strncmp(options[i], "--", 2) != 0) options[left++] = options[i];
    return left;
}

static cubin compile_program(nvrtcProgram program, const code *c) {
    enum { MOST = 8 };
    char target[32];
    const char *options[MOST] = {target, "-std=c++17"};
    int count = 2;
    cubin made = {0};
    snprintf(target, sizeof target, "-arch=sm_%d", c->arch);
    for (int i = 0; i < c->option_count && count < MOST; i++) options[count++] = c->options[i];
    nvrtcResult result = nvrtc.nvrtcCompileProgram(program, count, options);
    if (result == NVRTC_ERROR_INVALID_OPTION)
        result = nvrtc.nvrtcCompileProgram(program, drop_optional(options, count), options);
    if (result == NVRTC_SUCCESS) result = nvrtc.nvrtcGetCUBINSize(program, &made.count);
    if (result != NVRTC_SUCCESS) return failed(program, result), made;
    made.bytes = memory_new(1, made.count);
    if (made.bytes) nvrtc.nvrtcGetCUBIN(program, made.bytes);
    return made;
}

static cubin compile(const code *c) {
    nvrtcProgram program;
    if (!load_nvrtc()) return (cubin){0};
    if (nvrtc.nvrtcCreateProgram(&program, c->source, "tarn.cu", 0, NULL, NULL) != NVRTC_SUCCESS)
        return tarn_fail("cuda: NVRTC failed"), (cubin){0};
    cubin made = compile_program(program, c);
    nvrtc.nvrtcDestroyProgram(&program);
    return made;
}

/* The code stays loaded; its bytes are freed. */
static bool load(const cubin *made, const char *name, entry *e) {
    cudaLibrary_t library;
    bool ok = made->bytes &&
              cuda_ok(cudaLibraryLoadData(&library, made->bytes, NULL, NULL, 0, NULL, NULL, 0), "loading a kernel") &&
              cuda_ok(cudaLibraryGetKernel(&e->kernel, library, name), "finding a kernel");
    memory_free(made->bytes);
    e->bytes = made->count;
    return ok;
}

static bool make(const code *c, entry *e) {
    text path = {0};
    bool cached = cache_path(c->source, c->arch, &path);
    cubin made = cached ? read_all(text_string(&path)) : (cubin){0};
    bool ok = load(&made, c->name, e);
    tarn_clear_error();
    if (!ok) {
        made = compile(c);
        if (made.bytes && cached) write_all(text_string(&path), &made);
        ok = load(&made, c->name, e);
    }
    text_free(&path);
    return ok;
}

static entry **find(const char *source, int arch) {
    entry **at = &entries[hash_of(source, arch, 1) % BUCKETS];
    while (*at && ((*at)->arch != arch || strcmp((*at)->source, source) != 0)) at = &(*at)->next;
    return at;
}

static entry *find_or_make(const code *c) {
    entry **at = find(c->source, c->arch), made = {.arch = c->arch};
    if (*at) return *at;
    made.source = memory_copy(c->source, strlen(c->source) + 1);
    entry *e = made.source && make(c, &made) ? NEW(entry) : NULL;
    if (e)
        *e = made, *at = e;
    else
        memory_free(made.source);
    return e;
}

/* Kernels are known by their text alone, here and in files: what they are compiled with is part of it. */
static bool add_options(const char *source, const char *const *options, int count, text *to) {
    text_add(to, source);
    for (int i = 0; i < count; i++) text_format(to, "\n// %s\n", options[i]);
    return !to->failed;
}

cudaKernel_t cuda_compiled(const char *source, const char *name, const char *const *options, int option_count) {
    text whole = {0};
    entry *e = NULL;
    if (add_options(source, options, option_count, &whole)) {
        pthread_mutex_lock(&lock);
        e = find_or_make(&(code){text_string(&whole), name, options, option_count, cuda_capability()});
        if (e) cuda_count_code(&e->devices, e->bytes);
        pthread_mutex_unlock(&lock);
    }
    text_free(&whole);
    return e ? e->kernel : NULL;
}
