/* The mock device, opened as the library opens it: memory that the host cannot touch, copies, streams, events across
   streams, order, delays, missing rows, and everything that can be told to fail. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel_calls.h"
#include "mock/hooks.h"
#include "paths.h"

static void *library;
static const backend *mock;

/* A function of the shared object: HOOK(tarn_mock_blocks)(). */
#define HOOK(name) (*(__typeof__(name) **)(void *)&(void *){find(#name)})
static void *find(const char *name) {
    void *symbol = dlsym(library, name);
    if (symbol) return symbol;
    printf("libtarn_mock.so does not export %s\n", name);
    exit(1);
}

/* ---- submissions, and what was told of them */
typedef struct {
    submission s; /* first */
    call calls[2];
    block_copy copy;
    awaited wait;
} piece;

static struct {
    pthread_mutex_t lock;
    int given, done, failed, asked, last;
    char error[256];
} result = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool note_before(submission *s, int i) {
    (void)s, (void)i;
    result.asked++; /* never: a device does not ask the host */
    return false;
}

static void note_after(submission *s, int i, const char *error) {
    (void)s;
    pthread_mutex_lock(&result.lock);
    result.failed += error != NULL;
    result.last = i;
    snprintf(result.error, sizeof result.error, "%s", error ? error : "");
    pthread_mutex_unlock(&result.lock);
}

static void note_done(submission *s) {
    (void)s;
    pthread_mutex_lock(&result.lock);
    result.done++;
    pthread_mutex_unlock(&result.lock);
}

static void reset(void) {
    result.given = result.done = result.failed = result.asked = 0;
    result.error[0] = 0;
}

static piece *new_piece(void) {
    piece *p = keep(1, sizeof *p);
    p->s = (submission){.calls = p->calls,
                        .copies = &p->copy,
                        .waits = &p->wait,
                        .before = note_before,
                        .after = note_after,
                        .done = note_done};
    return p;
}

static void give(backend_stream *stream, piece *p) {
    result.given++;
    mock->submit(stream, &p->s);
}

/* Everything that was given is done. */
static void finish(void) {
    for (bool done = false; !done;) {
        usleep(50);
        pthread_mutex_lock(&result.lock);
        done = result.done == result.given;
        pthread_mutex_unlock(&result.lock);
    }
    CHECK(result.asked == 0, "a device asked the host whether to run a call");
}

/* ---- operands in device memory */
static operand on_device(int device, tarn_dtype dtype, tarn_ints shape) {
    operand o = make(dtype, shape);
    free(o.data);
    o.data = mock->allocate(device, operand_size(&o) * dtype_bytes(dtype));
    CHECK(o.data, "%s", tarn_error());
    return o;
}

static void copy(backend_stream *stream, void *to, const void *from, int64_t bytes, copy_direction direction) {
    piece *p = new_piece();
    p->copy = (block_copy){.to = to, .from = from, .bytes = bytes, .direction = direction};
    p->s.copy_count = 1;
    give(stream, p);
}

/* values: alive until it is done. */
static void send(backend_stream *stream, operand to, const float *values) {
    copy(stream, to.data, values, operand_size(&to) * 4, COPY_TO_DEVICE);
}

static void receive(backend_stream *stream, float *values, operand from) {
    copy(stream, values, from.data, operand_size(&from) * 4, COPY_TO_HOST);
}

/* out = a + b, as a call that lives as long as the process. */
static call *addition(operand out, operand a, operand b) {
    static const group_instruction add = {OP_add, 2, {0, 1, 0}, TARN_FLOAT32, TARN_FLOAT32};
    static const uint16_t loaded[] = {0, 1}, stored[] = {2};
    static const group_program program = {2, 1, 1, 3, loaded, stored, &add};
    call *c = keep(1, sizeof *c);
    operand *operands = keep(3, sizeof *operands);
    operands[0] = a, operands[1] = b, operands[2] = out;
    *c = (call){.op = OP_group,
                .input_count = 2,
                .output_count = 1,
                .inputs = operands,
                .outputs = operands + 2,
                .program = &program};
    CHECK(choose_row(mock, c), "%s", tarn_error());
    return c;
}

static void launch(backend_stream *stream, const call *c) {
    piece *p = new_piece();
    p->calls[0] = *c;
    p->s.call_count = 1;
    give(stream, p);
}

/* ---- tests */
static void touch(const operand *o) {
    *(volatile char *)o->data = 1;
}

static void test_memory(void) {
    int64_t blocks = HOOK(tarn_mock_blocks)(), bytes = HOOK(tarn_mock_bytes)();
    operand a = on_device(0, TARN_FLOAT32, DIMS(100)), b = on_device(1, TARN_FLOAT32, DIMS(3));
    CHECK((uintptr_t)a.data % 64 == 0 && a.data != b.data, "alignment");
    CHECK(HOOK(tarn_mock_blocks)() == blocks + 2 && HOOK(tarn_mock_bytes)() == bytes + 412, "counts");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        touch(&a);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 0, "the host wrote to device memory");
    mock->release(0, a.data);
    mock->release(1, b.data);
    CHECK(HOOK(tarn_mock_blocks)() == blocks && HOOK(tarn_mock_bytes)() == bytes, "released");
    void *none = mock->allocate(0, 0);
    CHECK(none, "a block of nothing");
    mock->release(0, none);
}

static void test_limit(void) {
    HOOK(tarn_mock_set_memory)(1000);
    CHECK(!mock->allocate(0, 1001) && tarn_error() && strstr(tarn_error(), "out of memory"), "%s", tarn_error());
    tarn_clear_error();
    void *a = mock->allocate(0, 600);
    CHECK(a && !mock->allocate(0, 500), "the second exceeds the limit");
    tarn_clear_error();
    CHECK(mock->allocate(1, 500), "the limit is one a device: %s", tarn_error());
    mock->release(0, a);
    a = mock->allocate(0, 500);
    CHECK(a, "%s", tarn_error());
    mock->release(0, a);
    HOOK(tarn_mock_set_memory)(INT64_C(1) << 30);
    HOOK(tarn_mock_fail_allocation)(2);
    void *first = mock->allocate(0, 8);
    CHECK(first && !mock->allocate(0, 8) && strstr(tarn_error(), "told to fail"), "the second allocation fails");
    tarn_clear_error();
    mock->release(0, first);
}

static void test_kernel(void) {
    reset();
    backend_stream *stream = mock->stream_new(0);
    operand a = on_device(0, TARN_FLOAT32, DIMS(4)), b = on_device(0, TARN_FLOAT32, DIMS(4)),
            out = on_device(0, TARN_FLOAT32, DIMS(4));
    int64_t launches = HOOK(tarn_mock_launches)(), copies = HOOK(tarn_mock_copies)(),
            bytes = HOOK(tarn_mock_copied_bytes)();
    float got[4];
    receive(stream, got, out);
    send(stream, a, (float[]){1, 2, 3, 4});
    send(stream, b, (float[]){10, 20, 30, 40});
    finish();
    CHECK(memcmp(got, "\xFD\xFD\xFD\xFD", 4) == 0, "fresh memory holds no number by chance");
    operand back = view(b, 3, DIMS(4), DIMS(-1)); /* read from its end */
    launch(stream, addition(out, a, back));
    receive(stream, got, out);
    finish();
    CHECK(got[0] == 41 && got[1] == 32 && got[2] == 23 && got[3] == 14, "%g %g %g %g", (double)got[0], (double)got[1],
          (double)got[2], (double)got[3]);
    CHECK(result.done == 5 && result.failed == 0, "%d %d", result.done, result.failed);
    CHECK(HOOK(tarn_mock_launches)() == launches + 1 && HOOK(tarn_mock_copies)() == copies + 4, "counts");
    CHECK(HOOK(tarn_mock_copied_bytes)() == bytes + 64, "counts");

    mock->stream_free(stream);
}

static void expect_failure(const char *words) {
    CHECK(result.failed == 1 && strstr(result.error, words), "\"%s\" should speak of %s", result.error, words);
    CHECK(tarn_ok(), "the error of a worker reached this thread: %s", tarn_error());
    reset();
}

static void test_violations(void) {
    reset();
    backend_stream *stream = mock->stream_new(0);
    operand a = on_device(0, TARN_FLOAT32, DIMS(4)), other = on_device(1, TARN_FLOAT32, DIMS(4)),
            host = make(TARN_FLOAT32, DIMS(4));
    operand longer = view(a, 1, DIMS(4), DIMS(1)), before = view(a, 2, DIMS(4), DIMS(-1)),
            gone = on_device(0, TARN_FLOAT32, DIMS(4));
    operand out = on_device(0, TARN_FLOAT32, DIMS(4)), nothing = view(a, 4, DIMS(0), DIMS(1));
    int64_t violations = HOOK(tarn_mock_violations)();
    struct {
        operand x;
        const char *words;
    } cases[] = {{host, "not in device memory"},
                 {other, "memory of mock:1"},
                 {longer, "beyond its block"},
                 {before, "not in device memory"}};
    for (int i = 0; i < 4; i++) {
        launch(stream, addition(out, a, cases[i].x));
        finish();
        expect_failure(cases[i].words);
    }
    HOOK(tarn_mock_set_delay)(20000, 1);
    launch(stream, addition(out, a, gone));
    mock->release(0, gone.data); /* too early */
    finish();
    HOOK(tarn_mock_set_delay)(0, 1);
    expect_failure("not in device memory");
    copy(stream, a.data, out.data, 16, COPY_TO_DEVICE);
    finish();
    expect_failure("both ends");
    copy(stream, host.data, out.data, 17, COPY_TO_HOST);
    finish();
    expect_failure("beyond its block");
    CHECK(HOOK(tarn_mock_violations)() == violations + 7, "%lld", (long long)HOOK(tarn_mock_violations)() - violations);
    mock->release(0, gone.data);
    CHECK(!tarn_ok() && HOOK(tarn_mock_violations)() == violations + 8, "released twice");
    tarn_clear_error();
    (void)nothing;
    mock->stream_free(stream);
}

static void test_faults(void) {
    reset();
    backend_stream *stream = mock->stream_new(0);
    operand a = on_device(0, TARN_FLOAT32, DIMS(1)), out = on_device(0, TARN_FLOAT32, DIMS(1));
    call *c = addition(out, a, a);
    HOOK(tarn_mock_fail_submission)(2);
    for (int i = 0; i < 3; i++) launch(stream, c);
    finish();
    CHECK(result.done == 3, "a failed submission is over, too");
    expect_failure("told to fail");
    HOOK(tarn_mock_fail_launch)(3);
    for (int i = 0; i < 5; i++) launch(stream, c);
    finish();
    CHECK(result.done == 5, "%d", result.done);
    expect_failure("told to fail");
    HOOK(tarn_mock_fail_copy)(1);
    float value = 1;
    send(stream, a, &value);
    finish();
    expect_failure("told to fail");

    HOOK(tarn_mock_lose_device)(0, true);
    CHECK(!mock->allocate(0, 1) && strstr(tarn_error(), "lost"), "%s", tarn_error());
    tarn_clear_error();
    launch(stream, c);
    finish();
    expect_failure("lost");
    CHECK(mock->allocate(1, 1), "the other device works: %s", tarn_error());
    HOOK(tarn_mock_lose_device)(0, false);
    mock->stream_free(stream);
}

/* Two streams hand one number back and forth: x is doubled on one, incremented on the other. Without the waits the
   random delays would mix them up. The first waits for a counter in host memory besides. */
static void test_waits(void) {
    reset();
    HOOK(tarn_mock_set_delay)(300, 7);
    backend_stream *streams[2] = {mock->stream_new(0), mock->stream_new(0)};
    operand x = on_device(0, TARN_FLOAT32, DIMS(1)), one = on_device(0, TARN_FLOAT32, DIMS(1));
    static const float first[] = {1};
    static _Atomic uint64_t counter;
    piece *held = new_piece();
    held->wait = (awaited){.number = 3, .base = 10, .reached = &counter};
    held->s.wait_count = 1;
    give(streams[0], held);
    send(streams[0], x, first);
    send(streams[0], one, first);
    atomic_store(&counter, 12);
    usleep(2000);
    CHECK(result.done == 0, "it waits for 13");
    atomic_store(&counter, 13);
    double wanted = 1;
    for (int i = 0; i < 20; i++) {
        piece *p = new_piece();
        p->calls[0] = *addition(x, x, i % 2 ? one : x);
        p->wait = (awaited){.stream = streams[!(i % 2)], .number = (uint64_t)(i % 2 ? 4 + i / 2 : i / 2)};
        p->s.call_count = p->s.wait_count = 1;
        give(streams[i % 2], p);
        wanted = i % 2 ? wanted + 1 : 2 * wanted;
    }
    finish();
    float got = 0;
    receive(streams[0], &got, x);
    finish();
    for (int i = 0; i < 2; i++) mock->stream_free(streams[i]);
    CHECK((double)got == wanted && !result.failed, "%g, not %g (%s)", (double)got, wanted, result.error);
    HOOK(tarn_mock_set_delay)(0, 1);
}

static void test_order(void) {
    reset();
    HOOK(tarn_mock_set_delay)(200, 3);
    backend_stream *stream = mock->stream_new(1);
    float values[50], got = -1;
    operand x = on_device(1, TARN_FLOAT32, DIMS(1));
    for (int i = 0; i < 50; i++) {
        values[i] = (float)i;
        send(stream, x, &values[i]);
    }
    receive(stream, &got, x);
    finish();
    CHECK((double)got == 49, "%g", (double)got);
    mock->stream_free(stream);
    HOOK(tarn_mock_set_delay)(0, 1);
}

/* Devices are peers unless told otherwise. */
static void test_peers(void) {
    reset();
    backend_stream *streams[2] = {mock->stream_new(0), mock->stream_new(1)};
    operand a = on_device(0, TARN_FLOAT32, DIMS(1)), b = on_device(1, TARN_FLOAT32, DIMS(1));
    float value = 5, got = 0;
    send(streams[0], a, &value);
    finish();
    piece *p = new_piece();
    p->copy = (block_copy){.to = b.data, .from = a.data, .bytes = 4, .direction = COPY_FROM_PEER, .peer = 0};
    p->s.copy_count = 1;
    CHECK(mock->is_peer(1, 0), "peers");
    give(streams[1], p);
    receive(streams[1], &got, b);
    finish();
    CHECK((double)got == 5 && !result.failed, "%g %s", (double)got, result.error);
    HOOK(tarn_mock_set_peers)(false);
    CHECK(!mock->is_peer(1, 0), "no peers");
    give(streams[1], p);
    finish();
    expect_failure("no peer");
    HOOK(tarn_mock_set_peers)(true);
    for (int i = 0; i < 2; i++) mock->stream_free(streams[i]);
}

/* out = a + a; out = out + a, prepared over one set of bases and run over another. */
static void test_plan(void) {
    reset();
    backend_stream *stream = mock->stream_new(0);
    operand a = on_device(0, TARN_FLOAT32, DIMS(2)), b = on_device(0, TARN_FLOAT32, DIMS(2)),
            out = on_device(0, TARN_FLOAT32, DIMS(2));
    call calls[] = {*addition(out, a, a), *addition(out, out, a)};
    operand_place places[] = {{0, 0}, {0, 0}, {1, 0}, {-1, 0}, {1, 0}, {0, 0}, {1, 0}, {-1, 0}};
    backend_plan *plan = mock->prepare(0, calls, 2, places, 2);
    CHECK(plan && HOOK(tarn_mock_plans)() == 1, "%s", tarn_error());
    static const float values[] = {1, 2};
    float got[2] = {0};
    send(stream, b, values);
    void *bases[] = {b.data, out.data};
    for (int wrong = 0; wrong < 2; wrong++) {
        piece *p = new_piece();
        p->calls[0] = *addition(out, b, b), p->calls[1] = *addition(out, out, wrong ? a : b);
        p->s.call_count = 2, p->s.plan = plan, p->s.bases = bases;
        give(stream, p);
        receive(stream, got, out);
        finish();
        if (wrong)
            expect_failure("not what it was prepared from");
        else
            CHECK((double)got[0] == 3 && (double)got[1] == 6 && !result.failed, "%g %g %s", (double)got[0],
                  (double)got[1], result.error);
    }
    CHECK(HOOK(tarn_mock_replays)() == 2, "replays");
    mock->plan_free(plan);
    CHECK(HOOK(tarn_mock_plans)() == 0, "freed");
    mock->stream_free(stream);
}

static void test_rows(void) {
    int count;
    CHECK(mock->rows(0, OP_matmul, &count) && count == 1, "reference rows");
    CHECK(!mock->rows(0, OP_softmax, &count) && count == 0, "no fused kernels");
    CHECK(HOOK(tarn_mock_set_missing)("matmul,group"), "%s", tarn_error());
    CHECK(!mock->rows(0, OP_matmul, &count) && !mock->rows(0, OP_group, &count) && count == 0, "missing rows");
    CHECK(mock->rows(0, OP_reduce, &count) && count == 1, "the others are there");
    CHECK(HOOK(tarn_mock_set_missing_on)(1, NULL) && mock->rows(1, OP_matmul, &count), "devices may differ");
    CHECK(!HOOK(tarn_mock_set_missing)("matmul,mutmal") && strstr(tarn_error(), "mutmal"), "a name that is no op");
    tarn_clear_error();
    CHECK(HOOK(tarn_mock_set_missing)(NULL) && mock->rows(0, OP_matmul, &count), "none missing");
}

/* This program from its start. The kernel runs an emulated one only through the emulator. */
static void start_again(void) {
    static const char *const option = "--count-devices";
    if (!TARN_EMULATED) execl("/proc/self/exe", "test_mock", option, (char *)NULL);
    execlp(TARN_EMULATOR, TARN_EMULATOR, TARN_BUILD_DIR "/tests/test_mock", option, (char *)NULL);
}

/* A process with these settings: how many devices it sees. */
static int devices_with(const char *name, const char *value) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setenv(name, value, 1);
        start_again();
        _exit(99);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_environment(void) {
    CHECK(devices_with("TARN_MOCK_DEVICES", "5") == 5, "TARN_MOCK_DEVICES");
    CHECK(devices_with("TARN_MOCK_DEVICES", "five") == 0, "nonsense leaves no device");
    CHECK(devices_with("TARN_MOCK_MISSING", "sort,softmux") == 0, "nonsense leaves no device");
    CHECK(devices_with("TARN_MOCK_MISSING", "sort,softmax") == 2, "ops without rows");
    CHECK(devices_with("TARN_MOCK_MEMORY", "-1") == 0, "nonsense leaves no device");
}

/* A budget without limits. */
static bool reserve(const backend *of, int device, int64_t bytes) {
    return of == mock && device >= 0 && bytes;
}

static bool open_mock(void) {
    const char *path = TARN_BUILD_DIR "/libtarn_mock.so";
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) return printf("%s\n", dlerror()), false;
    typedef const backend *entry(void);
    typedef void connect(const backend_library *functions);
    static const backend_library functions = {tarn_fail_kind, reserve};
    void *symbols[2] = {find("tarn_backend"), find("tarn_backend_library")};
    entry *open;
    connect *to_library;
    memcpy(&open, &symbols[0], sizeof open);
    memcpy(&to_library, &symbols[1], sizeof to_library);
    to_library(&functions);
    mock = open();
    return true;
}

int main(int count, char **arguments) {
    if (!open_mock()) return 1;
    if (count == 2 && strcmp(arguments[1], "--count-devices") == 0) return mock->device_count();
    CHECK(mock->version == BACKEND_VERSION && mock->table_hash == backend_hash() && !mock->host_memory, "the contract");
    CHECK(mock->device_count() == 2 && strcmp(mock->name, "mock") == 0, "two devices");
    CHECK(!dlsym(library, "tarn_fail") && !dlsym(library, "memory_new"), "the mock's own copies are hidden");
    test_memory();
    test_limit();
    test_kernel();
    test_violations();
    test_faults();
    test_waits();
    test_order();
    test_peers();
    test_plan();
    test_rows();
    test_environment();
    CHECK(tarn_ok(), "%s", tarn_error());
    printf("%d checks, %d failures: memory, limits, kernels, violations, faults, waits across streams, order, peers, "
           "plans, rows, "
           "environment\n",
           checks, failures);
    return failures != 0;
}
