/* What rows and launchers ask of the device at hand: that whose work the thread gives, or whose rows were asked for in
   it last. Cards of one process may be of different capability, so that nothing is taken from one for another. */
#include "cuda/cuda.h"

#include <cuda.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "cuda/kernels.h"

_Thread_local int cuda_device_now;
_Thread_local bool cuda_waits_for_all;

static int attribute(enum cudaDeviceAttr which) {
    int value = 0;
    cudaDeviceGetAttribute(&value, which, cuda_device_now);
    return value;
}

int cuda_processors(void) {
    return attribute(cudaDevAttrMultiProcessorCount);
}

int cuda_shared_bytes(void) {
    return attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
}

int cuda_capability(void) {
    return 10 * attribute(cudaDevAttrComputeCapabilityMajor) + attribute(cudaDevAttrComputeCapabilityMinor);
}

/* ---- contexts of CUDA. By the driver: the runtime would begin one on the device that a thread has not used yet. */
static struct {
    CUresult (*get)(CUcontext *to);
    CUresult (*set)(CUcontext context);
} driver;

static void find_function(const char *name, void *to) {
    void *found = NULL;
    enum cudaDriverEntryPointQueryResult result;
    if (cudaGetDriverEntryPointByVersion(name, &found, 12000, cudaEnableDefault, &result) != cudaSuccess ||
        result != cudaDriverEntryPointSuccess)
        found = NULL;
    cudaGetLastError();
    memcpy(to, &found, sizeof found);
}

static void find_driver(void) {
    find_function("cuCtxGetCurrent", &driver.get);
    find_function("cuCtxSetCurrent", &driver.set);
}

void *cuda_context(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    CUcontext now = NULL;
    pthread_once(&once, find_driver);
    return driver.get && driver.set && driver.get(&now) == CUDA_SUCCESS ? now : NULL;
}

void cuda_give_back(void *context) {
    if (context != cuda_context()) driver.set(context); /* either is found by the driver, then */
}

/* ---- what takes longer to find, once for each device */
static bool is_current(int device) {
    int now = 0;
    return cudaGetDevice(&now) == cudaSuccess && now == device;
}

static int ask_device(int device, int (*find)(void)) {
    void *context = cuda_context();
    int answer = is_current(device) || cudaSetDevice(device) == cudaSuccess ? find() : -1;
    cudaGetLastError();
    cuda_give_back(context);
    return answer;
}

/* Two threads may find the same thing at the same time; what could not be found, -1, is asked for again. */
int cuda_answer(device_question question, int (*find)(void)) {
    static atomic_int known[QUESTIONS][MOST_DEVICES]; /* 1 + the answer */
    const int device = cuda_device_now;
    atomic_int *at = device < MOST_DEVICES ? &known[question][device] : NULL;
    int answer = at ? atomic_load(at) - 1 : -1;
    if (answer >= 0) return answer;
    answer = ask_device(device, find);
    if (at) atomic_store(at, 1 + answer);
    return answer;
}

/* All kernels are compiled for the same devices, so that one says it for all. */
static int find_code(void) {
    struct cudaFuncAttributes made;
    return cudaFuncGetAttributes(&made, a_kernel()) == cudaSuccess ? made.ptxVersion : -1;
}

static int code(void) {
    return cuda_answer(QUESTION_CODE, find_code);
}

bool cuda_can_wait(void) {
    return code() >= 90;
}

bool cuda_is_hopper(void) {
    return code() / 10 == 9;
}

/* Overlapping kernels should find the shared memory and the cache of a multiprocessor divided as they want it, so that
   all that do with a few KiB ask for the same. */
int cuda_launch_attributes(cudaLaunchAttribute *to, size_t shared) {
    enum { SMALL = 56 << 10, SHARE = 50 };
    int count = 0;
    if (attribute(cudaDevAttrComputeCapabilityMajor) < 9) return 0;
    if (!cuda_waits_for_all)
        to[count++] = (cudaLaunchAttribute){.id = cudaLaunchAttributeProgrammaticStreamSerialization,
                                            .val.programmaticStreamSerializationAllowed = 1};
    cuda_waits_for_all = false;
    if (shared <= SMALL)
        to[count++] = (cudaLaunchAttribute){.id = cudaLaunchAttributePreferredSharedMemoryCarveout,
                                            .val.sharedMemCarveout = SHARE};
    return count;
}
