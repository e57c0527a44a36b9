/* The fuzzer's bytes as a file in memory that a loader can open and map. */
#ifndef FUZZ_FILE_INPUT_H
#define FUZZ_FILE_INPUT_H

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tarn/tarn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool condition) {
    if (!condition) __builtin_trap();
}

/* Writes its path; returns the descriptor to close. */
static inline int file_of(const uint8_t *data, size_t size, char path[64]) {
    int descriptor = memfd_create("input", MFD_CLOEXEC);
    require(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
    snprintf(path, 64, "/proc/self/fd/%d", descriptor);
    return descriptor;
}

/* Every array can be read to its end. */
static inline void read_array(tarn_array *a) {
    volatile char sink = 0;
    int64_t bytes = tarn_size(a) * tarn_dtype_bytes(tarn_dtype_of(a));
    const char *data = bytes ? tarn_data(tarn_contiguous(a)) : NULL;
    require(bytes == 0 || data);
    for (int64_t i = 0; i < bytes; i++) sink = (char)(sink + data[i]);
}

static inline void read_tensors(tarn_tensors *t) {
    require((t != NULL) == tarn_ok());
    for (int64_t i = 0; i < tarn_tensors_count(t); i++) {
        require(tarn_tensors_name(t, i) != NULL);
        read_array(tarn_tensors_at(t, i));
    }
    tarn_note note;
    for (int64_t i = 0; i < tarn_tensors_metadata_count(t); i++) {
        require(tarn_tensors_note(t, i, &note) && note.key && (note.text || note.array || note.texts));
        if (note.array) read_array(note.array);
    }
    tarn_tensors_free(t);
    tarn_clear_error();
}

#endif
