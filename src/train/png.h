/* PNG files, behind libpng. */
#ifndef TRAIN_PNG_H
#define TRAIN_PNG_H

#include <stdbool.h>
#include <stdint.h>

/* RGB, three bytes a pixel, rows from the top. Written whole or not at all. */
bool png_write(const char *path, const uint8_t *pixels, int width, int height);

#endif
