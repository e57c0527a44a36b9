/* tarn info: what a model is and how much memory it needs. */
#include <stdio.h>

#include "cli.h"

static const cli_option options[] = {
    MODEL_OPTION,
    {"--json", NULL, OPTION_FLAG, FIELD(json), NULL, "Print one JSON object"},
};

static void print_table(FILE *out, const tarn_model_facts *f) {
    fprintf(out, "model type      %s\n", f->model_type);
    fprintf(out, "parameters      %.3f million\n", (double)f->parameters / 1e6);
    fprintf(out, "layers          %lld, width %lld, %lld heads, %lld kv heads, head size %lld\n", (long long)f->layers,
            (long long)f->hidden_size, (long long)f->heads, (long long)f->kv_heads, (long long)f->head_dim);
    fprintf(out, "vocabulary      %lld\ncontext         %lld tokens\n", (long long)f->vocab_size,
            (long long)f->context);
    fprintf(out, "dtype           %s\n", tarn_dtype_name(f->dtype));
    if (f->bits)
        fprintf(out, "quantization    %d bits, groups of %d (%.2f bits a weight)\n", f->bits, f->group_size,
                f->bits_per_weight);
    else
        fprintf(out, "quantization    none\n");
    fprintf(out, "weights         %.1f MB%s\n", (double)f->weight_bytes / 1e6,
            f->has_weights ? "" : " by config.json; the folder has none");
    fprintf(out, "cache           %.3f MB for 1000 tokens, %.1f MB for the whole context\n",
            (double)f->cache_bytes_per_token / 1e3, (double)f->cache_bytes_per_token * (double)f->context / 1e6);
    fprintf(out, "memory needed   %.1f MB with the whole context\n",
            ((double)f->weight_bytes + (double)f->cache_bytes_per_token * (double)f->context) / 1e6);
    cli_print_gpus(out, 16);
}

static void print_json(cli_output *out, const tarn_model_facts *f) {
    json_field_text(out, "model_type", f->model_type);
    json_field_integer(out, "parameters", f->parameters);
    json_field_integer(out, "layers", f->layers);
    json_field_integer(out, "hidden_size", f->hidden_size);
    json_field_integer(out, "heads", f->heads);
    json_field_integer(out, "kv_heads", f->kv_heads);
    json_field_integer(out, "head_dim", f->head_dim);
    json_field_integer(out, "vocab_size", f->vocab_size);
    json_field_integer(out, "context", f->context);
    json_field_text(out, "dtype", tarn_dtype_name(f->dtype));
    json_key(out, "quantization");
    if (f->bits)
        fprintf(out->stream, "{\"bits\": %d, \"group_size\": %d}", f->bits, f->group_size);
    else
        fputs("null", out->stream);
    json_field_number(out, "bits_per_weight", f->bits_per_weight);
    json_field_integer(out, "weight_bytes", f->weight_bytes);
    json_key(out, "has_weights");
    fputs(f->has_weights ? "true" : "false", out->stream);
    json_field_integer(out, "cache_bytes_per_1k_tokens", f->cache_bytes_per_token * 1000);
    json_field_integer(out, "cache_bytes", f->cache_bytes_per_token * f->context);
    json_field_integer(out, "memory_bytes", f->weight_bytes + f->cache_bytes_per_token * f->context);
    json_field_gpus(out);
    fputs("}\n", out->stream);
}

static int run(const cli_values *v) {
    cli_output out;
    tarn_model_facts facts;
    if (!v->model) return cli_misuse(info_command.name, "a model folder is missing (--model)");
    tarn_model *model = tarn_model_load(v->model, .no_tokenizer = true, .describe = true);
    if (!model) return cli_failed();
    tarn_model_info(model, &facts);
    tarn_model_free(model);
    if (!cli_open(&out)) return EXIT_FAILED;
    if (v->json)
        print_json(&out, &facts);
    else
        print_table(out.stream, &facts);
    return cli_close(&out, 0);
}

const cli_command info_command = {"info",
                                  "size, shape and memory of a model",
                                  "FOLDER [--json]",
                                  FIELD(model),
                                  options,
                                  (int)(sizeof options / sizeof *options),
                                  run};
