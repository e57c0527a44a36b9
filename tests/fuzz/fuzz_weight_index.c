/* Any bytes as model.safetensors.index.json of a folder with one shard. Nothing outside the folder may be opened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/safetensors.h"
#include "tarn/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *count, char ***arguments);

static char folder[] = "/tmp/tarn-fuzz-index-XXXXXX", index_path[128], shard_path[128];

static void write_file(const char *path, const void *bytes, size_t length) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, length, file) != length) abort();
    fclose(file);
}

static void clean_up(void) {
    unlink(index_path);
    unlink(shard_path);
    rmdir(folder);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    if (!mkdtemp(folder)) return 1;
    atexit(clean_up);
    snprintf(index_path, sizeof index_path, "%s/model.safetensors.index.json", folder);
    snprintf(shard_path, sizeof shard_path, "%s/s.safetensors", folder);
    static const char header[] = "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}";
    char bytes[8 + sizeof header + 1] = {(char)(sizeof header - 1)};
    memcpy(bytes + 8, header, sizeof header - 1);
    write_file(shard_path, bytes, 8 + sizeof header - 1 + 2);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tarn_clear_error();
    write_file(index_path, data, size);
    safetensors_folder opened;
    bool ok = safetensors_open_folder(folder, &opened);
    if (ok != tarn_ok()) __builtin_trap();
    if (ok && (opened.count != 1 || strcmp(opened.items[0]->path, shard_path))) __builtin_trap();
    if (ok) safetensors_close_folder(&opened);
    return 0;
}
