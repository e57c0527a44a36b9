/* What a training loop needs beside its steps (tarn/optim.h): batches, what was measured, how long it will take.

       tarn_batches *batches = tarn_batches_new(TARN_ARRAYS(x, y), 2, 64, .seed = 7);
       for (int64_t epoch = 0; epoch < 10; epoch++)
           for (tarn_batches_start(batches, epoch); tarn_batches_next(batches, batch);)
               tarn_trainer_step(trainer, batch, 2); */
#ifndef TARN_TRAIN_H
#define TARN_TRAIN_H

#include "tarn/array.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows (along the first axis) of arrays that have as many, in batches of `size`, in an order that depends on the seed
   and the epoch alone. The rows of the next batch are put together on a CPU stream of its own meanwhile. */
typedef struct tarn_batches tarn_batches;
typedef struct {
    int begin_;
    uint64_t seed;
    bool in_order;  /* not shuffled */
    bool keep_rest; /* the last batch may be smaller; else rows that make no whole batch are left out */
    int end_;
} tarn_batches_options;
#define tarn_batches_new(...) TARN_CALL(3, tarn_batches_new_with, tarn_batches_options, __VA_ARGS__)
TARN_API tarn_batches *tarn_batches_new_with(tarn_array *const *arrays, int count, int64_t size,
                                             tarn_batches_options options TARN_ABSENT);
TARN_API void tarn_batches_free(tarn_batches *batches);
TARN_API int64_t tarn_batches_count(const tarn_batches *batches); /* of an epoch */
/* Goes to batch `first` (0: the beginning) of an epoch: what was interrupted goes on with the batches it would have
   had. */
typedef struct {
    int begin_;
    int64_t first;
    int end_;
} tarn_batches_start_options;
#define tarn_batches_start(...) TARN_CALL(2, tarn_batches_start_with, tarn_batches_start_options, __VA_ARGS__)
TARN_API bool tarn_batches_start_with(tarn_batches *batches, int64_t epoch,
                                      tarn_batches_start_options options TARN_ABSENT);
/* batch[0 .. count): the next rows of each array, in the open scope. False at the end of the epoch, or on failure. */
TARN_API bool tarn_batches_next(tarn_batches *batches, tarn_array **batch);

/* A file of measurements, a JSON object a line, added to what is there already: {"step": 10, "loss": 0.25}. */
typedef struct tarn_metrics tarn_metrics;
typedef struct {
    const char *name; /* UTF-8 */
    double value;     /* NaN and infinities are written as null */
} tarn_metric;
TARN_API tarn_metrics *tarn_metrics_open(const char *path);
TARN_API bool tarn_metrics_add(tarn_metrics *metrics, const tarn_metric *values, int count); /* written at once */
TARN_API bool tarn_metrics_close(tarn_metrics *metrics); /* false if something could not be written; frees it */

/* A line for people, "120/400  loss 0.2531  53.1 steps/s  5 s left"; released with tarn_free. Rates are those since
   tarn_progress_start. */
typedef struct {
    double seconds; /* when it started */
    int64_t first, total;
} tarn_progress;
TARN_API tarn_progress tarn_progress_start(int64_t first, int64_t total); /* steps are done, and are to be */
TARN_API char *tarn_progress_line(const tarn_progress *progress, int64_t step, double loss);

/* A picture of curves, a PNG file that is written whole or not at all: loss over steps. Curves are drawn in the order
   blue, orange, green, red, purple, brown, over axes with numbers. Points that are not finite are gaps. */
typedef struct {
    const double *x, *y;
    int64_t count;
} tarn_curve;
typedef struct {
    int begin_;
    int width, height; /* pixels; 0: 800, 500 */
    bool logarithmic;  /* the y axis; values of 0 and below are gaps */
    int end_;
} tarn_curves_options;
#define tarn_save_curves(...) TARN_CALL(3, tarn_save_curves_with, tarn_curves_options, __VA_ARGS__)
TARN_API bool tarn_save_curves_with(const char *path, const tarn_curve *curves, int count,
                                    tarn_curves_options options TARN_ABSENT);

#ifdef __cplusplus
}
#endif
#endif
