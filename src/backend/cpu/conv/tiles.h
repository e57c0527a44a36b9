/* Convolutions of bfloat16 with few outputs, or whose places meet few elements, by AMX tiles that read x as it lies:
   elements that follow each other in a line are the depth, neighbouring places of the result are rows of a tile. */
#ifndef CPU_CONV_TILES_H
#define CPU_CONV_TILES_H

#include "cpu/cpu.h"

extern const kernel_row conv_tiles_row;

enum {
    TILES_DEPTH = 32,    /* elements of a step */
    TILES_PLACES = 64,   /* places come in multiples of it */
    TILES_COLUMNS = 16,  /* of the result, in a tile */
    MOST_TILE_GROUPS = 4 /* of columns */
};

/* out[p, column] = sum over lines l, steps s and depths of lines[l][p * place_bytes + 64 * s ...] by
   weights[l][s, group of columns], in tiles; out [TILES_PLACES, groups * TILES_COLUMNS]. */
typedef struct {
    const char *const *lines, *const *weights;
    int line_count, steps, groups;
    int64_t place_bytes;
} conv_tiles;
void conv_tiles_multiply_amx(const conv_tiles *t, float *out);
/* Around a thread's calls. */
void conv_tiles_begin_amx(void);
void conv_tiles_end_amx(void);
/* Whether one of `count` numbers is infinite or NaN. */
bool conv_tiles_special_amx(const uint16_t *numbers, int64_t count);

#endif
