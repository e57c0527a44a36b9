#include "train/png.h"

#include <png.h>

#include "base/files.h"
#include "base/memory.h"
#include "tarn/error.h"

/* The simplified interface of libpng reports by values, not by jumps. The first call asks how many bytes there will be
   at most. */
static bool encode(png_image *image, const uint8_t *pixels, uint8_t **bytes, png_alloc_size_t *size) {
    *size = PNG_IMAGE_PNG_SIZE_MAX(*image);
    *bytes = NEW_ARRAY(uint8_t, *size);
    bool ok = *bytes && png_image_write_to_memory(image, *bytes, size, 0, pixels, 0, NULL);
    if (*bytes && !ok) tarn_fail("PNG: %s", image->message);
    png_image_free(image);
    return ok;
}

bool png_write(const char *path, const uint8_t *pixels, int width, int height) {
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB};
    uint8_t *bytes = NULL;
    png_alloc_size_t size = 0;
    file_writer *writer = encode(&image, pixels, &bytes, &size) ? file_create(path) : NULL;
    bool written = writer && file_write(writer, bytes, size);
    bool ok = written && file_commit(writer);
    if (!written) file_abandon(writer);
    memory_free(bytes);
    return ok;
}
