/* Any bytes as a .npy file. */
#include "file_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TARN_SCOPE;
    char path[64];
    int file = file_of(data, size, path);
    tarn_array *a = tarn_load_npy(path);
    require((a != NULL) == tarn_ok());
    if (a) read_array(a);
    tarn_clear_error();
    close(file);
    return 0;
}
