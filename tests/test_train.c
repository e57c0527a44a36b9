/* Batches, measurements and progress lines. */
#include <math.h>
#include <unistd.h>

#include "base/json.h"
#include "tarn/tarn.h"
#include "temporary_folder.h"

enum { ROWS = 10 };

static tarn_array *rows(void) {
    return tarn_arange(0, ROWS, 1, TARN_INT32);
}

/* The rows of an epoch from batch `first` on, one after the other: how many. */
static int epoch_rows(tarn_batches *b, int64_t epoch, int64_t first, int *seen) {
    tarn_array *batch[2];
    int count = 0;
    CHECK(tarn_batches_start(b, epoch, .first = first));
    while (tarn_batches_next(b, batch)) {
        const int32_t *x = tarn_data(batch[0]);
        const float *y = tarn_data(tarn_contiguous(batch[1]));
        for (int64_t i = 0; x && y && i < tarn_dim(batch[0], 0); i++) {
            CHECK(y[2 * i] == (float)x[i] && y[2 * i + 1] == -(float)x[i]);
            seen[count++] = x[i];
        }
    }
    CHECK(tarn_ok());
    return count;
}

static bool all_once(const int *seen, int count) {
    int times[ROWS] = {0}, twice = 0;
    for (int i = 0; i < count; i++) twice += times[seen[i]]++ > 0;
    return !twice;
}

static void check_batches(void) {
    TARN_SCOPE;
    int a[ROWS], b[ROWS], c[ROWS];
    tarn_array *x = rows(), *f = tarn_astype(x, TARN_FLOAT32);
    tarn_array *y = tarn_stack(TARN_ARRAYS(f, tarn_negative(f)), 2, .axis = TARN_AXIS(1));
    tarn_batches *whole = tarn_batches_new(TARN_ARRAYS(x, y), 2, 4, .seed = 3);
    tarn_batches *again = tarn_batches_new(TARN_ARRAYS(x, y), 2, 4, .seed = 3);
    tarn_batches *other = tarn_batches_new(TARN_ARRAYS(x, y), 2, 4, .seed = 4, .keep_rest = true);
    CHECK(tarn_batches_count(whole) == 2 && tarn_batches_count(other) == 3);
    CHECK(epoch_rows(whole, 5, 0, a) == 8 && all_once(a, 8));
    CHECK(epoch_rows(again, 5, 1, b) == 4 && !memcmp(a + 4, b, 4 * sizeof *a));
    CHECK(epoch_rows(whole, 6, 0, b) == 8 && memcmp(a, b, 8 * sizeof *a) != 0);
    CHECK(epoch_rows(other, 5, 0, c) == 10 && all_once(c, 10) && memcmp(a, c, 8 * sizeof *a) != 0);
    CHECK_ERROR(tarn_batches_start(whole, 0, .first = 3), "batch 3 of 2");
    tarn_batches_free(whole);
    tarn_batches_free(again);
    tarn_batches_free(other);
    tarn_batches *plain = tarn_batches_new(TARN_ARRAYS(x, y), 2, 4, .in_order = true, .keep_rest = true);
    CHECK(epoch_rows(plain, 0, 0, a) == 10 && a[0] == 0 && a[9] == 9);
    tarn_batches_free(plain);
    CHECK_ERROR(tarn_batches_new(TARN_ARRAYS(x, tarn_ones(TARN_SHAPE(9), TARN_FLOAT32)), 2, 4), "array 1 has 9 rows");
    CHECK_ERROR(tarn_batches_new(TARN_ARRAYS(tarn_scalar(1, TARN_FLOAT32)), 1, 4), "array 0 has no rows");
}

static void check_metrics(void) {
    const char *path = in_folder("metrics.jsonl");
    tarn_metrics *m = tarn_metrics_open(path);
    CHECK(tarn_metrics_add(m, (tarn_metric[]){{"step", 1}, {"loss", 0.25}}, 2));
    CHECK(tarn_metrics_add(m, (tarn_metric[]){{"a \"name\"", NAN}}, 1));
    CHECK_ERROR(tarn_metrics_add(m, (tarn_metric[]){{NULL, 1}}, 1), "a name is NULL");
    CHECK(tarn_metrics_close(m));
    char found[128] = "";
    FILE *f = fopen(path, "r");
    size_t length = f ? fread(found, 1, sizeof found - 1, f) : 0;
    if (f) fclose(f);
    found[length] = 0;
    CHECK(!strcmp(found, "{\"step\": 1, \"loss\": 0.25}\n{\"a \\\"name\\\"\": null}\n"));
    CHECK_ERROR(tarn_metrics_open(in_folder("nowhere/x")), "cannot be opened");
    tarn_metrics *full = tarn_metrics_open("/dev/full");
    CHECK_ERROR(tarn_metrics_add(full, (tarn_metric[]){{"x", 1}}, 1), "/dev/full: cannot be written");
    CHECK(!tarn_metrics_close(full));
}

static void check_progress(void) {
    tarn_progress p = tarn_progress_start(0, 400);
    p.seconds -= 100;
    char *line = tarn_progress_line(&p, 100, 0.5);
    CHECK(line && !strncmp(line, "100/400  loss 0.5000  1 steps/s  5 min 00 s left", 30) && strstr(line, "left"));
    tarn_free(line);
    line = tarn_progress_line(&p, 0, 0.5);
    CHECK(line && !strcmp(line, "0/400  loss 0.5000"));
    tarn_free(line);
}

static void check_curves(void) {
    const char *path = in_folder("loss.png");
    double x[200], a[200], b[200];
    for (int i = 0; i < 200; i++) x[i] = i * 10, a[i] = 3 * exp(-i / 40.0) + 0.1, b[i] = i == 50 ? NAN : a[i] * 1.3;
    tarn_curve curves[] = {{x, a, 200}, {x, b, 200}};
    CHECK(tarn_save_curves(path, curves, 2) && tarn_save_curves(path, curves, 2, .logarithmic = true, .width = 400));
    unsigned char head[24] = {0};
    FILE *f = fopen(path, "rb");
    CHECK(f && fread(head, 1, sizeof head, f) == sizeof head && !memcmp(head + 1, "PNG", 3));
    if (f) fclose(f);
    CHECK(head[18] == 400 / 256 && head[19] == 400 % 256); /* the width, as the first chunk has it */
    CHECK(tarn_save_curves(path, NULL, 0) && tarn_save_curves(path, curves + 1, 1));
    CHECK_ERROR(tarn_save_curves(path, curves, 2, .width = 10), "a picture of 10 x 500");
    CHECK_ERROR(tarn_save_curves(in_folder("nowhere/x.png"), curves, 2), "nowhere/x.png");
    if (getenv("TARN_TELL")) tarn_save_curves(getenv("TARN_TELL"), curves, 2);
}

int main(void) {
    CHECK(mkdtemp(folder));
    check_batches();
    check_metrics();
    check_progress();
    check_curves();
    clear_folder();
    CHECK(rmdir(folder) == 0);
    return check_report("train");
}
