/* Any bytes as a zip archive of .npy files. */
#include "file_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TARN_SCOPE;
    char path[64];
    int file = file_of(data, size, path);
    read_tensors(tarn_load_npz(path));
    close(file);
    return 0;
}
