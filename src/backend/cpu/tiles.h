/* The one shape of AMX tiles that is used. */
#ifndef CPU_TILES_H
#define CPU_TILES_H

#include <stdint.h>

/* Eight tiles of 16 rows of 64 bytes. Constant data, because gcc 12 takes the operand of _tile_loadconfig for eight
   bytes and drops stores to the rest. */
static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes_per_row[16];
    uint8_t rows[16];
} tile_shapes = {
    .palette = 1, .bytes_per_row = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

#endif
