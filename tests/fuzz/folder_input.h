/* The fuzzer's bytes as the files of a folder: one after the other, each ended by a NUL; of an empty one there is no
   file. */
#ifndef FUZZ_FOLDER_INPUT_H
#define FUZZ_FOLDER_INPUT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tarn/tarn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *count, char ***arguments);

static char folder[] = "/dev/shm/tarn-fuzz-XXXXXX";

static inline void require(bool condition) {
    if (!condition) __builtin_trap();
}

static inline const char *in_folder(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline void write_file(const char *name, const void *bytes, size_t length) {
    FILE *file = fopen(in_folder(name), "wb");
    require(file && fwrite(bytes, 1, length, file) == length && fclose(file) == 0);
}

/* Cuts the next file off; what is left of the input is moved on to. */
static inline size_t cut(const uint8_t **data, size_t *size, const char **from) {
    size_t length = strnlen((const char *)*data, *size), used = length < *size ? length + 1 : length;
    *from = (const char *)*data;
    *data += used;
    *size -= used;
    return length;
}

static inline void write_files(const char *const *names, int count, const uint8_t **data, size_t *size) {
    const char *from;
    for (int i = 0; i < count; i++) {
        size_t length = cut(data, size, &from);
        if (length) write_file(names[i], from, length);
    }
}

static inline void remove_files(const char *const *names, int count) {
    for (int i = 0; i < count; i++) unlink(in_folder(names[i]));
}

static inline void remove_folder(void) {
    rmdir(folder);
}

static inline int make_folder(void) {
    return mkdtemp(folder) && atexit(remove_folder) == 0 ? 0 : 1;
}

#endif
