/* Runs a function that was exported from Python (examples/export_ring.py) over the points of a square, and draws where
   it says yes. */
#include <math.h>
#include <stdio.h>
#include <tarn/tarn.h>

enum { ROWS = 20, COLUMNS = 40, POINTS = ROWS * COLUMNS };

static void make_points(float points[POINTS][2]) {
    for (int i = 0; i < POINTS; i++) {
        points[i][0] = 2 * ((float)(i % COLUMNS) + 0.5f) / COLUMNS - 1;
        points[i][1] = 2 * ((float)(i / COLUMNS) + 0.5f) / ROWS - 1;
    }
}

static bool is_on_ring(const float point[2]) {
    float radius = hypotf(point[0], point[1]);
    return radius > 0.4f && radius < 0.8f;
}

static void draw(float points[POINTS][2], const float *probability) {
    int right = 0;
    for (int i = 0; i < POINTS; i++) {
        right += (probability[i] > 0.5f) == is_on_ring(points[i]);
        putchar(probability[i] > 0.5f ? '#' : '.');
        if (i % COLUMNS == COLUMNS - 1) putchar('\n');
    }
    printf("right at %d of %d points\n", right, POINTS);
}

static bool run(tarn_imported_function *function) {
    TARN_SCOPE;
    float points[POINTS][2];
    make_points(points);
    tarn_array *x = tarn_from_data(points, TARN_SHAPE(POINTS, 2), TARN_FLOAT32);
    tarn_array *y = tarn_results_at(tarn_imported_call(function, &x, 1), 0);
    const float *probability = tarn_data(y); /* [POINTS, 1] */
    if (probability) draw(points, probability);
    return probability != NULL;
}

int main(int count, char **arguments) {
    if (count != 2) return fprintf(stderr, "usage: %s FILE\n", arguments[0]), 2;
    tarn_imported_function *function = tarn_import_function(arguments[1]);
    if (function) printf("%s\n", tarn_imported_metadata(function));
    bool ok = function && run(function);
    tarn_imported_free(function);
    if (!ok) fprintf(stderr, "%s\n", tarn_error());
    return !ok;
}
