/* cuBLASLt, opened when the first product is planned. It sees matrices by columns: c is made as its transpose, bᵀ times
   aᵀ. What its heuristic chose is kept for the shape. */
#include "cuda/matmul/lt.h"

#include <cublasLt.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "base/settings.h"
#include "cuda/cuda.h"

#define FUNCTIONS(F)                                                                                                   \
    F(cublasLtCreate)                                                                                                  \
    F(cublasLtMatmul)                                                                                                  \
    F(cublasLtMatmulDescCreate)                                                                                        \
    F(cublasLtMatmulDescDestroy)                                                                                       \
    F(cublasLtMatmulDescSetAttribute)                                                                                  \
    F(cublasLtMatrixLayoutCreate)                                                                                      \
    F(cublasLtMatrixLayoutDestroy)                                                                                     \
    F(cublasLtMatrixLayoutSetAttribute)                                                                                \
    F(cublasLtMatmulPreferenceCreate)                                                                                  \
    F(cublasLtMatmulPreferenceDestroy)                                                                                 \
    F(cublasLtMatmulPreferenceSetAttribute) F(cublasLtMatmulAlgoGetHeuristic) F(cublasLtGetStatusString)

static struct {
#define MEMBER(name) __typeof__(name) *name;
    FUNCTIONS(MEMBER)
    bool good;
} lt;

enum { KEPT = 512 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static cublasLtHandle_t handles[MOST_DEVICES];

/* ---- the library */
static void *open_library(void) {
    static const char *const names[] = {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so",
                                        "/usr/local/cuda/lib64/libcublasLt.so"};
    void *library = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return library;
}

static bool load(void) {
    if (lt.good) return true;
    void *library = open_library(), *symbol;
    if (!library)
        return tarn_fail("cuda: cuBLASLt (libcublasLt.so), which multiplies matrices, is not installed: %s", dlerror());
    bool good = true;
#define FIND(name) good = (symbol = dlsym(library, #name)) && good, memcpy(&lt.name, &symbol, sizeof symbol);
    FUNCTIONS(FIND)
    lt.good = good;
    return good || tarn_fail("cuda: libcublasLt.so lacks functions: it is too old");
}

bool lt_prepare(void) {
    pthread_mutex_lock(&lock);
    bool ok = load();
    pthread_mutex_unlock(&lock);
    return ok;
}

static bool lt_ok(cublasStatus_t status, const char *what) {
    return status == CUBLAS_STATUS_SUCCESS ||
           tarn_fail("matmul: cuBLASLt: %s: %s", what, lt.cublasLtGetStatusString(status));
}

/* Under the lock. */
static cublasLtHandle_t handle_now(void) {
    cublasLtHandle_t *h = &handles[cuda_device_now];
    if (!*h && (!load() || !lt_ok(lt.cublasLtCreate(h), "making a handle"))) *h = NULL;
    return *h;
}

/* ---- descriptions */
typedef struct {
    cublasLtMatmulDesc_t how;
    cublasLtMatrixLayout_t a, b, c; /* as the library counts: a is our b */
} description;

static cudaDataType_t type_of(tarn_dtype dtype) {
    return dtype == TARN_FLOAT16     ? CUDA_R_16F
           : dtype == TARN_BFLOAT16  ? CUDA_R_16BF
           : dtype == TARN_FLOAT64   ? CUDA_R_64F
           : dtype == TARN_COMPLEX64 ? CUDA_C_32F
                                     : CUDA_R_32F;
}

/* Of the factors that a product and what is there before are multiplied by. */
static cudaDataType_t scale_of(tarn_dtype dtype) {
    return dtype == TARN_FLOAT64 || dtype == TARN_COMPLEX64 ? type_of(dtype) : CUDA_R_32F;
}

static cublasComputeType_t sums_of(tarn_dtype dtype) {
    return dtype == TARN_FLOAT64                      ? CUBLAS_COMPUTE_64F
           : dtype == TARN_FLOAT32 && settings_tf32() ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                      : CUBLAS_COMPUTE_32F;
}

static bool make_layout(cublasLtMatrixLayout_t *layout, const lt_product *p, int64_t rows, int64_t columns,
                        int64_t step, int64_t apart) {
    int32_t batch = (int32_t)p->batch;
    return lt_ok(lt.cublasLtMatrixLayoutCreate(layout, type_of(p->dtype), (uint64_t)rows, (uint64_t)columns, step),
                 "a layout") &&
           lt_ok(lt.cublasLtMatrixLayoutSetAttribute(*layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batch, sizeof batch),
                 "a batch") &&
           lt_ok(lt.cublasLtMatrixLayoutSetAttribute(*layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &apart,
                                                     sizeof apart),
                 "a batch");
}

static bool set_transposed(const description *d, cublasLtMatmulDescAttributes_t which, bool transposed) {
    cublasOperation_t operation = transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    return lt_ok(lt.cublasLtMatmulDescSetAttribute(d->how, which, &operation, sizeof operation), "a transposition");
}

static bool describe(description *d, const lt_product *p) {
    return lt_ok(lt.cublasLtMatmulDescCreate(&d->how, sums_of(p->dtype), scale_of(p->dtype)), "a description") &&
           set_transposed(d, CUBLASLT_MATMUL_DESC_TRANSA, p->b_transposed) &&
           set_transposed(d, CUBLASLT_MATMUL_DESC_TRANSB, p->a_transposed) &&
           make_layout(&d->a, p, p->b_transposed ? p->k : p->n, p->b_transposed ? p->n : p->k, p->b_step, p->b_batch) &&
           make_layout(&d->b, p, p->a_transposed ? p->m : p->k, p->a_transposed ? p->k : p->m, p->a_step, p->a_batch) &&
           make_layout(&d->c, p, p->n, p->m, p->n, p->c_batch);
}

static void forget(const description *d) {
    if (d->how) lt.cublasLtMatmulDescDestroy(d->how);
    if (d->a) lt.cublasLtMatrixLayoutDestroy(d->a);
    if (d->b) lt.cublasLtMatrixLayoutDestroy(d->b);
    if (d->c) lt.cublasLtMatrixLayoutDestroy(d->c);
}

/* ---- choices: how well the addresses are aligned counts */
static uint32_t alignment(const void *p) {
    uintptr_t at = (uintptr_t)p, low = at & (~at + 1);
    return low == 0 || low > 256 ? 256 : (uint32_t)low;
}

typedef struct {
    lt_product product;
    uint32_t aligned[3];
    int device;
} choice_key;
static struct {
    bool used;
    choice_key key;
    cublasLtMatmulAlgo_t algorithm;
} kept[KEPT];

static size_t slot_of(const choice_key *key) {
    uint64_t hash = 1;
    for (size_t i = 0; i < sizeof *key; i++) hash = (hash ^ ((const unsigned char *)key)[i]) * UINT64_C(0x100000001B3);
    return (size_t)(hash >> 20) % KEPT;
}

static bool ask(cublasLtHandle_t handle, const description *d, const choice_key *key, cublasLtMatmulAlgo_t *algorithm) {
    cublasLtMatmulPreference_t wish = NULL;
    cublasLtMatmulHeuristicResult_t found;
    uint64_t most = LT_USED;
    uint32_t schemes =
        CUBLASLT_REDUCTION_SCHEME_NONE | CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE; /* halves are summed in float32 */
    int count = 0;
    if (!lt_ok(lt.cublasLtMatmulPreferenceCreate(&wish), "a wish")) return false;
    lt.cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most, sizeof most);
    lt.cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &schemes, sizeof schemes);
    lt.cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &key->aligned[0], 4);
    lt.cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &key->aligned[1], 4);
    lt.cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &key->aligned[2], 4);
    lt.cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &key->aligned[2], 4);
    bool ok = lt_ok(lt.cublasLtMatmulAlgoGetHeuristic(handle, d->how, d->a, d->b, d->c, d->c, wish, 1, &found, &count),
                    "choosing a kernel");
    lt.cublasLtMatmulPreferenceDestroy(wish);
    if (ok && count == 0) return tarn_fail("matmul: cuBLASLt has no kernel for this product");
    if (ok) *algorithm = found.algo;
    return ok;
}

static bool choose(cublasLtHandle_t handle, const description *d, const choice_key *key,
                   cublasLtMatmulAlgo_t *algorithm) {
    size_t slot = slot_of(key);
    if (!kept[slot].used || memcmp(&kept[slot].key, key, sizeof *key) != 0) {
        if (!ask(handle, d, key, &kept[slot].algorithm)) return kept[slot].used = false;
        kept[slot].key = *key;
        kept[slot].used = true;
    }
    *algorithm = kept[slot].algorithm;
    return true;
}

static bool multiply(const lt_product *p, const description *d, void *c, const void *a, const void *b,
                     void *workspace) {
    static const float one[2] = {1, 0}, zero[2]; /* as a complex number, too */
    static const double one_wide = 1, zero_wide;
    bool wide = p->dtype == TARN_FLOAT64;
    const void *alpha = wide ? (const void *)&one_wide : one, *beta = wide ? (const void *)&zero_wide : zero;
    choice_key key;
    memset(&key, 0, sizeof key); /* the gaps, too */
    memcpy(&key.product, p, sizeof *p);
    key.aligned[0] = alignment(b), key.aligned[1] = alignment(a), key.aligned[2] = alignment(c);
    key.device = cuda_device_now;
    void *room = (void *)(((uintptr_t)workspace + LT_ALIGNMENT - 1) / LT_ALIGNMENT * LT_ALIGNMENT);
    cublasLtMatmulAlgo_t algorithm;
    pthread_mutex_lock(&lock);
    cublasLtHandle_t handle = handle_now();
    bool ok = handle && choose(handle, d, &key, &algorithm);
    pthread_mutex_unlock(&lock);
    return ok && lt_ok(lt.cublasLtMatmul(handle, d->how, alpha, b, d->a, a, d->b, beta, c, d->c, c, d->c, &algorithm,
                                         room, LT_USED, cuda_stream_now),
                       "multiplying");
}

bool lt_multiply(const lt_product *p, void *c, const void *a, const void *b, void *workspace) {
    description d = {0};
    lt_product key;
    memset(&key, 0, sizeof key);
    key.dtype = p->dtype, key.m = p->m, key.n = p->n, key.k = p->k, key.a_step = p->a_step, key.b_step = p->b_step,
    key.batch = p->batch;
    key.a_batch = p->a_batch, key.b_batch = p->b_batch, key.c_batch = p->c_batch;
    key.a_transposed = p->a_transposed, key.b_transposed = p->b_transposed;
    bool ok = lt_prepare() && describe(&d, &key) && multiply(&key, &d, c, a, b, workspace);
    forget(&d);
    return ok;
}
