/* Measurements as JSON lines, and a line for people. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "tarn/train.h"

struct tarn_metrics {
    int file;
    char *path;
    bool failed;
};

tarn_metrics *tarn_metrics_open(const char *path) {
    if (!path) return tarn_fail("metrics: the path is NULL"), NULL;
    tarn_metrics *m = NEW(tarn_metrics);
    if (!m || !(m->path = memory_copy(path, strlen(path) + 1))) {
        memory_free(m);
        return NULL;
    }
    m->file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (m->file >= 0) return m;
    tarn_fail("%s: cannot be opened for writing: %s", path, strerror(errno));
    memory_free(m->path);
    memory_free(m);
    return NULL;
}

static bool write_value(text *t, const tarn_metric *v, bool first) {
    if (!v->name) return tarn_fail("metrics: a name is NULL");
    text_add(t, first ? "{" : ", ");
    if (!json_write_string(t, v->name, strlen(v->name), false)) return false;
    text_add(t, ": ");
    if (!isfinite(v->value)) return text_add(t, "null");
    bool whole = v->value == floor(v->value) && fabs(v->value) < 0x1p53;
    return whole ? text_format(t, "%.0f", v->value) : json_write_double(t, v->value);
}

/* A line goes out in one call, so that what others add at the same time does not get into it. */
static bool write_line(tarn_metrics *m, const text *line) {
    ssize_t written = write(m->file, text_string(line), line->length);
    if (written == (ssize_t)line->length) return true;
    m->failed = true;
    return tarn_fail("%s: cannot be written: %s", m->path, written < 0 ? strerror(errno) : "the disk is full");
}

bool tarn_metrics_add(tarn_metrics *m, const tarn_metric *values, int count) {
    if (!m || count < 1 || !values) return tarn_fail("metrics: %s", m ? "there are no values" : "metrics is NULL");
    text line = {0};
    bool ok = true;
    for (int i = 0; i < count && ok; i++) ok = write_value(&line, &values[i], i == 0);
    ok = ok && text_add(&line, "}\n") && write_line(m, &line);
    text_free(&line);
    return ok;
}

bool tarn_metrics_close(tarn_metrics *m) {
    if (!m) return true;
    bool closed = close(m->file) == 0, ok = closed && !m->failed;
    if (!closed) tarn_fail("%s: cannot be written: %s", m->path, strerror(errno));
    memory_free(m->path);
    memory_free(m);
    return ok;
}

/* ---- progress */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

tarn_progress tarn_progress_start(int64_t first, int64_t total) {
    return (tarn_progress){now(), first, total};
}

static void add_duration(text *t, double seconds) {
    long long s = seconds < 1e15 ? (long long)(seconds + 0.5) : 0;
    if (s >= 3600) text_format(t, "%lld h %02lld min", s / 3600, s / 60 % 60);
    if (s < 3600 && s >= 60) text_format(t, "%lld min %02lld s", s / 60, s % 60);
    if (s < 60) text_format(t, "%lld s", s);
}

char *tarn_progress_line(const tarn_progress *p, int64_t step, double loss) {
    if (!p) return tarn_fail("progress: progress is NULL"), NULL;
    text t = {0};
    double seconds = now() - p->seconds, rate = seconds > 0 ? (double)(step - p->first) / seconds : 0;
    text_format(&t, "%lld/%lld  loss %.4f", (long long)step, (long long)p->total, loss);
    if (rate > 0) {
        text_format(&t, "  %.3g steps/s  ", rate);
        add_duration(&t, (double)(p->total - step) / rate);
        text_add(&t, " left");
    }
    return text_take(&t);
}
