/* The GPUs of this machine, as they tell of themselves. */
#include <stdio.h>

#include "cli.h"

/* False at the end; one that tells nothing is left out. */
static bool next_gpu(int *index, tarn_measurement *gpu) {
    for (int count = tarn_device_count(TARN_CUDA); ++*index < count; tarn_clear_error())
        if (tarn_describe_device((tarn_device){TARN_CUDA, *index}, gpu)) return true;
    return false;
}

void cli_print_gpus(FILE *out, int width) {
    tarn_measurement gpu;
    for (int i = -1; next_gpu(&i, &gpu);) {
        char name[16];
        snprintf(name, sizeof name, "gpu:%d", i);
        fprintf(out, "%-*s%s, %s, %d multiprocessors, %.1f GB\n", width, name, gpu.processor, gpu.isa_used, gpu.threads,
                (double)gpu.memory_bytes / 1e9);
    }
}

static void json_gpu(FILE *stream, int index, const tarn_measurement *gpu) {
    cli_output object = {.stream = stream};
    json_field_integer(&object, "index", index);
    json_field_text(&object, "processor", gpu->processor);
    json_field_text(&object, "isa_used", gpu->isa_used);
    json_field_integer(&object, "multiprocessors", gpu->threads);
    json_field_integer(&object, "memory_bytes", gpu->memory_bytes);
    fputc('}', stream);
}

void json_field_gpus(cli_output *out) {
    tarn_measurement gpu;
    int i = -1, listed = 0;
    while (next_gpu(&i, &gpu)) {
        if (!listed) json_key(out, "gpus");
        fputs(listed++ ? ", " : "[", out->stream);
        json_gpu(out->stream, i, &gpu);
    }
    if (listed) fputc(']', out->stream);
}
