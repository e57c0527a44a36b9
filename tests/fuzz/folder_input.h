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

/* The length of the data is the largest number in the header, as it is in one that is right; at most 1 MiB. */
static inline size_t data_length(const char *header, size_t length) {
    const size_t limit = 1 << 20;
    size_t most = 0;
    for (size_t i = 0, number = 0; i < length; i++) {
        number = header[i] >= '0' && header[i] <= '9' && number < limit ? number * 10 + (size_t)(header[i] - '0') : 0;
        if (number > most && number <= limit) most = number;
    }
    return most;
}

/* A .safetensors file whose data begin with these and are zeros behind. */
static inline void write_tensors(const char *name, const char *header, size_t length, const void *data, size_t size) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)length >> (8 * i));
    size_t whole = data_length(header, length), given = size < whole ? size : whole;
    FILE *file = fopen(in_folder(name), "wb");
    require(file && fwrite(bytes, 1, 8, file) == 8 && fwrite(header, 1, length, file) == length);
    require((!given || fwrite(data, 1, given, file) == given) && fclose(file) == 0);
    require(truncate(in_folder(name), (off_t)(8 + length + whole)) == 0);
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
