/* What the CUDA backend asks of cards that are unlike each other in one process. The runtime that answers is this
   file's, so that no card is needed; skips where CUDA's headers are not. */
#include <stdio.h>

#include "check.h"

#if __has_include(<cuda_runtime_api.h>)
#include <pthread.h>
#include <stdlib.h>

#include "cuda/device.c"
#include "cuda/memory.c"

/* code: what the runtime takes of cubins for 8.0 and 9.0 and PTX of 8.0. */
typedef struct {
    int capability, processors, shared_bytes, code;
} card;
static const card cards[] = {
    {90, 132, 227 << 10, 90}, {86, 84, 99 << 10, 80}, {120, 188, 99 << 10, 80}, {80, 108, 163 << 10, 80}};
enum { CARDS = sizeof cards / sizeof *cards };

/* A context of a card is its number, from 1 on; a thread that has none is asked for card 0. */
static _Thread_local uintptr_t current;
static atomic_int code_questions, begun[CARDS];

static int card_now(void) {
    return current ? (int)current - 1 : 0;
}
cudaError_t cudaGetDevice(int *device) {
    return *device = card_now(), cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
    atomic_fetch_add(&begun[device], 1);
    return current = (uintptr_t)device + 1, cudaSuccess;
}
static CUresult get_context(CUcontext *to) {
    return *to = (CUcontext)current, CUDA_SUCCESS;
}
static CUresult set_context(CUcontext context) {
    return current = (uintptr_t)context, CUDA_SUCCESS;
}
cudaError_t cudaGetDriverEntryPointByVersion(const char *name, void **found, unsigned version, unsigned long long flags,
                                             enum cudaDriverEntryPointQueryResult *result) {
    CUresult (*get)(CUcontext *) = get_context, (*set)(CUcontext) = set_context;
    (void)version, (void)flags;
    *result = cudaDriverEntryPointSuccess;
    strcmp(name, "cuCtxGetCurrent") == 0 ? memcpy(found, &get, sizeof get) : memcpy(found, &set, sizeof set);
    return cudaSuccess;
}
cudaError_t cudaGetLastError(void) {
    return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr which, int device) {
    const card *c = &cards[device];
    *value = which == cudaDevAttrComputeCapabilityMajor   ? c->capability / 10
             : which == cudaDevAttrComputeCapabilityMinor ? c->capability % 10
             : which == cudaDevAttrMultiProcessorCount    ? c->processors
                                                          : c->shared_bytes;
    return cudaSuccess;
}
const void *a_kernel(void) {
    return cards;
}
cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *made, const void *kernel) {
    CHECK(kernel == a_kernel());
    atomic_fetch_add(&code_questions, 1);
    *made = (struct cudaFuncAttributes){.ptxVersion = cards[card_now()].code};
    return cudaSuccess;
}

/* ---- the rest of what memory.c calls, and budgets with little room */
static int64_t counted[CARDS], room = 100;

bool cuda_reserve(int device, int64_t bytes) {
    if (counted[device] + bytes > room) return false;
    counted[device] += bytes;
    return true;
}
bool cuda_use(int device) {
    return cudaSetDevice(device) == cudaSuccess;
}
bool cuda_report(bool ok) {
    return ok;
}
bool cuda_ok(cudaError_t error, const char *what) {
    return error == cudaSuccess || tarn_fail("%s", what);
}
cudaError_t cudaMalloc(void **to, size_t bytes) {
    return *to = malloc(bytes), cudaSuccess;
}
cudaError_t cudaFree(void *block) {
    return free(block), cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t *left, size_t *all) {
    return *left = *all = 1 << 20, cudaSuccess;
}
const char *cudaGetErrorString(cudaError_t error) {
    return error == cudaSuccess ? "none" : "some";
}

static int shared_of_current(void) {
    return cards[card_now()].shared_bytes;
}

static void check_card(int device) {
    const card *c = &cards[device];
    cudaLaunchAttribute attributes[2];
    cuda_device_now = device;
    CHECK(cuda_capability() == c->capability);
    CHECK(cuda_processors() == c->processors);
    CHECK(cuda_shared_bytes() == c->shared_bytes);
    CHECK(cuda_is_hopper() == (c->code == 90));
    CHECK(cuda_can_wait() == (c->code >= 90));
    CHECK(cuda_answer(QUESTION_LONG_CLUSTERS, shared_of_current) == c->shared_bytes);
    CHECK(cuda_launch_attributes(attributes, 1 << 10) == (c->capability >= 90 ? 2 : 0));
    CHECK(cuda_launch_attributes(attributes, 90 << 10) == (c->capability >= 90 ? 1 : 0));
}

/* Forwards from one card, then backwards; the thread's context is what others made it, and stays so. */
static void *check_from(void *first) {
    const int begin = (int)(intptr_t)first;
    for (int i = 0; i < 2 * CARDS; i++) {
        const uintptr_t own = current = 1 + (uintptr_t)i % 3;
        check_card((begin + (i < CARDS ? i : 2 * CARDS - i)) % CARDS);
        CHECK(current == own);
    }
    return NULL;
}

/* A thread without a context, as in a process that uses one card alone: none begins on another. */
static void *check_alone(void *which) {
    int before[CARDS];
    for (int i = 0; i < CARDS; i++) before[i] = begun[i];
    cuda_device_now = (int)(intptr_t)which;
    void *context = cuda_context();
    cudaSetDevice(cuda_device_now);
    cuda_give_back(context);
    CHECK(cuda_context() == context);
    for (int i = 0; i < CARDS; i++) CHECK(begun[i] == before[i] + (i == cuda_device_now));
    return NULL;
}

/* Code counts once on each card that runs it, where there was no room for it the next time. */
static void check_code(void) {
    uint64_t small = 0, large = 0;
    for (int i = 0; i < 2 * CARDS; i++) {
        cuda_device_now = i % CARDS;
        cuda_count_code(&small, 30);
        cuda_count_code(&large, 90);
        CHECK(counted[cuda_device_now] == 30);
    }
    room = 200;
    for (int i = 0; i < 2 * CARDS; i++) {
        cuda_device_now = i % CARDS;
        cuda_count_code(&large, 90);
        CHECK(counted[cuda_device_now] == 120);
    }
}

int main(void) {
    pthread_t threads[CARDS];
    check_from((void *)1);
    CHECK(code_questions == CARDS);
    CHECK(pthread_create(&threads[0], NULL, check_alone, (void *)1) == 0 && pthread_join(threads[0], NULL) == 0);
    for (intptr_t i = 0; i < CARDS; i++) CHECK(pthread_create(&threads[i], NULL, check_from, (void *)i) == 0);
    for (int i = 0; i < CARDS; i++) pthread_join(threads[i], NULL);
    CHECK(code_questions == CARDS);
    check_code();
    return check_report("cuda devices");
}
#else
int main(void) {
    return printf("there are no headers of CUDA here\n"), 77;
}
#endif
