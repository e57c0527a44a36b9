/* Any bytes as a safetensors file. After a first byte 'r' the rest is the file as it is; otherwise the input is a
   header, ended by a NUL, and data, and the right header length is put before it, so that the fuzzer need not find it.
   What is accepted must keep its promises. */
#include <string.h>

#include "base/memory.h"
#include "io/safetensors.h"
#include "tarn/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition) __builtin_trap();
}

/* Entries lie in the file, have the bytes that dtype and shape need, and cover the data once. */
static void check(const safetensors *file) {
    int64_t covered = 0;
    volatile char sink = 0;
    for (size_t i = 0; i < file->count; i++) {
        const safetensors_entry *e = &file->entries[i];
        int64_t bytes = 1;
        require(safetensors_dtype_name(e->dtype, &bytes) != NULL && e->ndim >= 0 && e->ndim <= TARN_MAX_NDIM);
        for (int k = 0; k < e->ndim; k++) bytes *= e->shape[k];
        if (e->unsupported) bytes = e->bytes; /* perhaps less than a byte each */
        require(bytes == e->bytes && e->offset >= 8 && e->offset + e->bytes <= (int64_t)file->length);
        require(safetensors_find(file, e->name) == e);
        if (bytes) sink = (char)(sink + file->bytes[e->offset] + file->bytes[e->offset + bytes - 1]);
        covered += bytes;
    }
    void *cursor = NULL;
    const char *key;
    const json *value;
    while (json_each(file->metadata, &cursor, &key, NULL, &value)) require(json_text(value, NULL) != NULL);
    require(covered <= (int64_t)file->length - 8);
}

static void parse(const char *bytes, size_t length) {
    tarn_clear_error();
    safetensors *file = safetensors_parse(bytes, length, "input");
    require(file ? tarn_ok() : !tarn_ok());
    if (file) check(file);
    safetensors_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *bytes = (const char *)data;
    if (size && bytes[0] == 'r') {
        parse(bytes + 1, size - 1);
        return 0;
    }
    size_t header = strnlen(bytes, size), rest = header < size ? size - header - 1 : 0;
    char *file = memory_new(8 + header + rest, 1);
    if (!file) return 0;
    for (int i = 0; i < 8; i++) file[i] = (char)((uint64_t)header >> (8 * i));
    memcpy(file + 8, bytes, header);
    if (rest) memcpy(file + 8 + header, bytes + header + 1, rest);
    parse(file, 8 + header + rest);
    memory_free(file);
    return 0;
}
