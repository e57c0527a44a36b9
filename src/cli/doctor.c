/* tarn doctor: what this machine can do, measured now, and which kernels are in use. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const cli_option options[] = {
    DEVICE_OPTION,
    {"--kernels", NULL, OPTION_FLAG, FIELD(kernels), NULL,
     "Print what serves each op and dtype instead: k a kernel, f a formula, - nothing"},
    {"--json", NULL, OPTION_FLAG, FIELD(json), NULL, "Print one JSON object"},
};

static void print_gpu(FILE *out, const tarn_measurement *m, const char *kernels) {
    fprintf(out, "card              %s, %s, %d multiprocessors, %.1f GB\n", m->processor, m->isa_used, m->threads,
            (double)m->memory_bytes / 1e9);
    fprintf(out, "bandwidth         %.0f GB/s read, %.0f GB/s copied (read and written), %.1f GB/s from the host\n",
            m->read_gbps_all, m->copy_gbps, m->upload_gbps);
    fprintf(out, "float32 peak      %.1f TFLOP/s\nbfloat16 peak     %.1f TFLOP/s\n\nkernels\n%s", m->f32_tflops,
            m->bf16_tflops, kernels);
}

static void print_table(FILE *out, const tarn_measurement *m, const char *kernels) {
    if (tarn_default_device().type != TARN_CPU) {
        print_gpu(out, m, kernels);
        return;
    }
    fprintf(out, "processor         %s\ninstruction sets  %s\nof these in use   %s\nthreads           %d\n",
            m->processor, m->isa_found, m->isa_used, m->threads);
    if (m->read_gbps_all > 0)
        fprintf(out, "read bandwidth    %.1f GB/s with 1 thread, %.1f GB/s with %d\n", m->read_gbps_one,
                m->read_gbps_all, m->threads);
    else
        fprintf(out, "read bandwidth    not measured: caches would hold too much of the memory that is available\n");
    fprintf(out, "float32 peak      %.3f TFLOP/s\n", m->f32_tflops);
    if (m->bf16_tflops > 0)
        fprintf(out, "bfloat16 peak     %.3f TFLOP/s\n", m->bf16_tflops);
    else
        fprintf(out, "bfloat16 peak     no instructions for it\n");
    fprintf(out, "load average      %.2f\n", m->load_average);
    cli_print_gpus(out, 18);
    fprintf(out, "\nkernels\n%s", kernels);
}

static void print_kernels(cli_output *out, const char *kernels) {
    json_key(out, "kernels");
    fputc('[', out->stream);
    for (const char *line = kernels; *line;) {
        size_t length = strcspn(line, "\n");
        if (line != kernels) fputs(", ", out->stream);
        json_text(out->stream, line, length);
        line += length + (line[length] == '\n');
    }
    fputc(']', out->stream);
}

static void print_json(cli_output *out, const tarn_measurement *m, const char *kernels) {
    json_field_text(out, "processor", m->processor);
    json_field_text(out, "isa_found", m->isa_found);
    json_field_text(out, "isa_used", m->isa_used);
    json_field_integer(out, "threads", m->threads);
    json_field_number(out, "read_gbps_one", m->read_gbps_one);
    json_field_number(out, "read_gbps_all", m->read_gbps_all);
    json_field_number(out, "copy_gbps", m->copy_gbps);
    json_field_number(out, "upload_gbps", m->upload_gbps);
    json_field_integer(out, "memory_bytes", m->memory_bytes);
    json_field_number(out, "f32_tflops", m->f32_tflops);
    json_field_number(out, "bf16_tflops", m->bf16_tflops);
    json_field_number(out, "load_average", m->load_average);
    print_kernels(out, kernels);
    if (tarn_default_device().type == TARN_CPU) json_field_gpus(out);
    fputs("}\n", out->stream);
}

/* Needs the device's shared object only. */
static int print_matrix(const cli_values *v) {
    tarn_device device;
    char *matrix = cli_device(v->device, &device) ? tarn_kernel_matrix(device.type) : NULL;
    if (!matrix) return cli_failed();
    fputs(matrix, stdout);
    tarn_free(matrix);
    return 0;
}

static int run(const cli_values *v) {
    cli_output out;
    tarn_measurement measured;
    if (!cli_check_names(doctor_command.name, v)) return EXIT_USAGE;
    if (v->kernels && v->json) return cli_misuse(doctor_command.name, "give --kernels or --json, not both");
    if (v->kernels) return print_matrix(v);
    if (!cli_use_device(v) || !tarn_measure_device(tarn_default_device(), &measured)) return cli_failed();
    char *kernels = tarn_kernel_list(tarn_default_device());
    if (!kernels) return cli_failed();
    int status = cli_open(&out) ? 0 : EXIT_FAILED;
    if (!status) {
        if (v->json)
            print_json(&out, &measured, kernels);
        else
            print_table(out.stream, &measured, kernels);
        status = cli_close(&out, 0);
    }
    tarn_free(kernels);
    return status;
}

const cli_command doctor_command = {"doctor", "what this machine can do, measured now", "[options]", NO_WORD,
                                    options,  (int)(sizeof options / sizeof *options),  run};
