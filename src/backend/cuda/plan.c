/* Plans: the calls of a segment as a CUDA graph, which one launch gives to the device. A graph holds addresses, so a
   plan keeps a few graphs, one for each set of base addresses that it met; when a further set comes, the graph that was
   not used for longest is updated to it, kernel by kernel, which is done in a fraction of the time that launching
   takes. The first run of a plan launches call by call: what is made once (libraries' handles, choices of kernels) is
   made then. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "cuda/cuda.h"

enum { VERSIONS = 8, MISSES = 3 * VERSIONS, LEAST_CALLS = 2 };
enum { CALL_BYTES = 1536 }; /* of device memory that a graph takes for each kernel: 1.3 to 1.6 KiB (driver 580) */

typedef struct {
    cudaGraphExec_t graph;
    uintptr_t *bases; /* the addresses that it was made for */
    uint64_t used;
} version;

struct backend_plan {
    int device, count, base_count;
    unsigned *constant; /* of each call: bits of inputs that no earlier call of the plan writes */
    int *bases;         /* the numbers of those that the calls use */
    cudaStream_t recorder;
    pthread_mutex_t lock; /* of what follows */
    uint64_t clock;
    bool refused;            /* it cannot be recorded */
    uint64_t missed[MISSES]; /* hashes of the addresses that last had no graph, in a ring */
    unsigned misses;
    version versions[VERSIONS];
};

/* ---- making: which memory the calls read and write */
static int operands_of(const call *c) {
    return c->input_count + c->output_count;
}

/* used, written: of each base; what a call reads that no earlier one writes is constant for it. */
static void note_call(backend_plan *p, int i, const call *c, const operand_place *places, bool *used, bool *written) {
    int count = operands_of(c) + 1;
    for (int k = 0; k < c->input_count && k < 32; k++)
        if (places[k].base >= 0 && !written[places[k].base]) p->constant[i] |= 1u << k;
    for (int k = 0; k < count; k++) {
        if (places[k].base < 0) continue;
        used[places[k].base] = true;
        if (k >= c->input_count) written[places[k].base] = true;
    }
}

static bool fill(backend_plan *p, const call *calls, const operand_place *places, int bases) {
    bool *used = NEW_ARRAY(bool, bases), *written = NEW_ARRAY(bool, bases), ok = used && written;
    for (int i = 0; ok && i < p->count; places += operands_of(&calls[i]) + 1, i++)
        note_call(p, i, &calls[i], places, used, written);
    for (int i = 0; ok && i < bases; i++)
        if (used[i]) p->bases[p->base_count++] = i;
    memory_free(used);
    memory_free(written);
    return ok;
}

/* Without memory, or a stream to record on, there is no plan, and nothing is lost. */
backend_plan *cuda_prepare(int device, const call *calls, int count, const operand_place *places, int bases) {
    if (count < LEAST_CALLS) return NULL;
    backend_plan *p = NEW(backend_plan);
    if (p) {
        *p = (backend_plan){
            .device = device, .count = count, .constant = NEW_ARRAY(unsigned, count), .bases = NEW_ARRAY(int, bases)};
        pthread_mutex_init(&p->lock, NULL);
        bool ok = p->constant && p->bases && fill(p, calls, places, bases) && cuda_use(device) &&
                  cuda_ok(cudaStreamCreateWithFlags(&p->recorder, cudaStreamNonBlocking), "a stream");
        if (ok) return p;
    }
    cuda_plan_free(p);
    tarn_clear_error();
    return NULL;
}

static int64_t graph_bytes(const backend_plan *p) {
    return (int64_t)p->count * CALL_BYTES;
}

static void drop_version(const backend_plan *p, const version *v) {
    memory_free(v->bases);
    if (!v->graph) return;
    cudaGraphExecDestroy(v->graph);
    cuda_reserve(p->device, -graph_bytes(p));
}

void cuda_plan_free(backend_plan *p) {
    if (!p) return;
    cudaSetDevice(p->device);
    for (int i = 0; i < VERSIONS; i++) drop_version(p, &p->versions[i]);
    if (p->recorder) cudaStreamDestroy(p->recorder);
    cudaGetLastError();
    pthread_mutex_destroy(&p->lock);
    memory_free(p->constant);
    memory_free(p->bases);
    memory_free(p);
}

/* ---- recording */

/* Of plans that could not be recorded: for tests, as results do not tell. */
static atomic_llong refused;
TARN_API int64_t tarn_backend_refused(void);
int64_t tarn_backend_refused(void) {
    return atomic_load(&refused);
}

static bool launch_all(const backend_plan *p, const call *calls) {
    bool ok = true;
    for (int i = 0; i < p->count && ok;) i += cuda_launch_next(calls + i, p->count - i, p->constant + i, &ok);
    return ok;
}

static cudaGraph_t record(const backend_plan *p, const call *calls) {
    cudaGraph_t graph = NULL;
    cudaStream_t before = cuda_stream_now;
    if (!cuda_ok(cudaStreamBeginCapture(p->recorder, cudaStreamCaptureModeRelaxed), "recording")) return NULL;
    cuda_stream_now = p->recorder;
    bool ok = launch_all(p, calls);
    cuda_stream_now = before;
    if (cuda_ok(cudaStreamEndCapture(p->recorder, &graph), "recording") && ok) return graph;
    if (graph) cudaGraphDestroy(graph);
    return NULL;
}

/* The version is brought to the graph: updated if it can be, else made anew. */
static bool take_graph(version *v, cudaGraph_t graph, cudaStream_t stream) {
    cudaGraphExecUpdateResultInfo why;
    if (v->graph && cudaGraphExecUpdate(v->graph, graph, &why) == cudaSuccess) return true;
    cudaGetLastError();
    if (v->graph) cudaGraphExecDestroy(v->graph);
    v->graph = NULL;
    return cuda_ok(cudaGraphInstantiate(&v->graph, graph, 0), "making a graph") &&
           cuda_ok(cudaGraphUpload(v->graph, stream), "sending a graph");
}

/* ---- running */
static bool same_bases(const backend_plan *p, const uintptr_t *known, void *const *bases) {
    for (int i = 0; known && i < p->base_count; i++)
        if (known[i] != (uintptr_t)bases[p->bases[i]]) return false;
    return known;
}

static bool take_bases(const backend_plan *p, uintptr_t **to, void *const *bases) {
    if (!*to && !(*to = NEW_ARRAY(uintptr_t, p->base_count))) return false;
    for (int i = 0; i < p->base_count; i++) (*to)[i] = (uintptr_t)bases[p->bases[i]];
    return true;
}

static version *find(backend_plan *p, void *const *bases) {
    for (int i = 0; i < VERSIONS; i++)
        if (p->versions[i].graph && same_bases(p, p->versions[i].bases, bases)) return &p->versions[i];
    return NULL;
}

static version *least_used(backend_plan *p) {
    version *least = &p->versions[0];
    for (int i = 1; i < VERSIONS; i++)
        if (p->versions[i].used < least->used) least = &p->versions[i];
    return least;
}

static bool record_version(backend_plan *p, version *v, const call *calls, void *const *bases) {
    cudaGraph_t graph = record(p, calls);
    if (!graph) return atomic_fetch_add(&refused, 1), !(p->refused = true);
    bool ok = take_bases(p, &v->bases, bases) && take_graph(v, graph, cuda_stream_now);
    cudaGraphDestroy(graph);
    return ok;
}

/* NULL, too, where there is no room for a graph now. A version has taken room as long as it has a graph. */
static version *make(backend_plan *p, const call *calls, void *const *bases) {
    version *v = least_used(p);
    if (!v->graph && !cuda_reserve(p->device, graph_bytes(p))) return NULL;
    bool ok = record_version(p, v, calls, bases);
    if (!v->graph) cuda_reserve(p->device, -graph_bytes(p));
    return ok ? v : NULL;
}

/* Addresses that come for the third time within a short while have a graph, as those of a loop do; to record one takes
   longer than to give the calls, which the device begins with meanwhile. */
static bool is_new(backend_plan *p, void *const *bases) {
    uint64_t hash = HASH_START;
    int before = 0;
    for (int i = 0; i < p->base_count; i++) hash = hash_bytes(hash, &bases[p->bases[i]], sizeof *bases);
    for (int i = 0; i < MISSES; i++) before += p->missed[i] == hash;
    p->missed[p->misses++ % MISSES] = hash;
    return before < 2;
}

static bool launch(backend_plan *p, const call *calls, void *const *bases) {
    if (p->clock++ == 0 || p->refused) return false;
    version *v = find(p, bases);
    if (!v && is_new(p, bases)) return false;
    if (!v) v = make(p, calls, bases);
    if (!v) return false;
    v->used = p->clock;
    return cuda_ok(cudaGraphLaunch(v->graph, cuda_stream_now), "launching a graph");
}

bool cuda_plan_has(const backend_plan *p, int count) {
    return p && count == p->count;
}

const unsigned *cuda_plan_constants(const backend_plan *p) {
    return p->constant;
}

bool cuda_plan_launch(backend_plan *p, const call *calls, void *const *bases) {
    pthread_mutex_lock(&p->lock);
    bool ok = launch(p, calls, bases);
    pthread_mutex_unlock(&p->lock);
    tarn_clear_error();
    return ok;
}
