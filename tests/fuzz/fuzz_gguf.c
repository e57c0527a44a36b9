/* Any bytes as a GGUF file, read both ways: as MLX has it, and with every block as float32. */
#include "file_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TARN_SCOPE;
    char path[64];
    int file = file_of(data, size, path);
    read_tensors(tarn_load_gguf(path));
    read_tensors(tarn_load_gguf(path, .floats = true));
    close(file);
    return 0;
}
