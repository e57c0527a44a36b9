/* What a convolution multiplies, seen as lines of a matrix that is nowhere: a line is a place of the result (or, of a
   weight, an output), its depth the places of the kernel and the channels. Blocks of it are read into panels. */
#ifndef CPU_CONV_PATCHES_H
#define CPU_CONV_PATCHES_H

#include "cpu/matmul/kit.h"

enum { CONV_AXES = 3, PATCH_LINES = 32, PATCH_DEPTH = 512 };

/* Line (b, place ...) meets at depth (c, tap ...) the element b * batch_stride + c * channel_stride + sum of position *
   stride, position = first + place * place_step + tap * tap_step; a zero where a position is not in [0, size). Strides
   in elements. */
typedef struct {
    int axes;
    int64_t places[CONV_AXES], taps[CONV_AXES], first[CONV_AXES], place_step[CONV_AXES], tap_step[CONV_AXES];
    int64_t size[CONV_AXES], stride[CONV_AXES];
    int64_t batch, batch_stride, channels, channel_stride;
    bool batch_inner;    /* lines count b fastest, else slowest */
    bool channels_outer; /* depth counts c slowest, else fastest */
    const char *data;
    int64_t bytes;         /* of an element */
    const matmul_kit *kit; /* floats that lie turned are brought into the order of lines by it; NULL: they stay */
} conv_patches;

int64_t patches_lines(const conv_patches *p);
int64_t patches_depth(const conv_patches *p);

/* b and places of a line. */
typedef struct {
    int64_t b, place[CONV_AXES];
} patch_line;
patch_line patches_line(const conv_patches *p, int64_t line);
void patches_next_line(const conv_patches *p, patch_line *l); /* divides nothing */

/* Whether the elements of a depth stand together in memory, those of several lines. */
static inline bool patches_lie_turned(const conv_patches *p) {
    return p->batch_inner && p->batch_stride == 1;
}
/* Whether they are read in that order too. */
static inline bool patches_turned(const conv_patches *p) {
    return patches_lie_turned(p) && !p->kit;
}
/* Whether turning them while they are read takes whole vectors. */
bool patches_turn_well(const conv_patches *p);
/* matmul_gather.read */
void patches_read(const void *patches, int64_t line, int lines, int64_t k, int depth, void *out, int64_t stride);

#endif
