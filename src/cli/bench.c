/* tarn bench: speed of prompt and generation, beside the limits of the machine measured in the same run. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const cli_option options[] = {
    MODEL_OPTION,
    {"--random", NULL, OPTION_TEXT, FIELD(random), "SHAPE",
     "Random weights of a known shape instead, such as llama-3.2-1b"},
    {"--bits", NULL, OPTION_INTEGER, FIELD(bits), "N", "Of random weights: 2 3 4 5 6 8, or 16 for bfloat16 (4)"},
    {"--prompt-tokens", "-p", OPTION_INTEGER, FIELD(prompt_length), "N",
     "Length of the prompt (256); the letter is that of mlx_lm.benchmark"},
    {"--context", NULL, OPTION_INTEGER, FIELD(context), "N",
     "Tokens there are at the end; the prompt is what is not generated"},
    {"--generation-tokens", "-n", OPTION_INTEGER, FIELD(generation_length), "N", "Tokens to generate (32)"},
    {"--batch-size", "-b", OPTION_INTEGER, FIELD(batch), "N",
     "Answer so many prompts at once (1); rates are those of all of them"},
    DRAWING_OPTIONS,
    {"--dtype", NULL, OPTION_TEXT, FIELD(dtype), "NAME",
     "float32, bfloat16 or float16 (as in the file; random weights: bfloat16)"},
    DEVICE_OPTION,
    {"--json", NULL, OPTION_FLAG, FIELD(json), NULL, "Print one JSON object"},
};

/* Caches hold a part of a smaller model, so that the bandwidth of memory is no limit for it. */
static const double least_bytes = 512e6;
enum { TRIALS = 5, MOST_BATCH = 256 };

typedef struct {
    double prefill_tps, decode_tps, read_gbps, tflops;
} round_of_bench;

/* Rates are medians of the trials, limits medians of the measurements that alternate with them. */
typedef struct {
    tarn_model_facts facts;
    tarn_measurement limits;          /* the last ones */
    tarn_generate_options options;    /* of each answer */
    int64_t batch, prompt, generated; /* batch: sequences, of so many tokens each */
    round_of_bench trials[TRIALS], median, best;
    double prefill_tflops, decode_gbps;
    int64_t peak_memory;
} bench_result;

/* ---- measuring */

/* Another prompt each time, so that nothing is reused. */
static void random_ids(int32_t *ids, int64_t count, int64_t vocab, uint32_t seed) {
    uint32_t state = seed * 2654435761u + 1;
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        ids[i] = (int32_t)(((uint64_t)state * (uint64_t)vocab) >> 32);
    }
}

/* Of the device, if that is not the CPU. */
static int64_t peak_memory(const tarn_generation *g) {
    tarn_memory info;
    tarn_device device = tarn_default_device();
    return device.type != TARN_CPU && tarn_memory_info(device, &info) ? info.peak : g->peak_memory_bytes;
}

static bool trial_alone(tarn_session *session, const int32_t *ids, bench_result *b, int number) {
    tarn_generation g;
    bool ok = tarn_generate_with(session, ids, (size_t)b->prompt, &g, b->options);
    b->trials[number].prefill_tps = g.prompt_tps;
    b->trials[number].decode_tps = g.generation_tps;
    int64_t peak = peak_memory(&g);
    if (peak > b->peak_memory) b->peak_memory = peak;
    tarn_generation_free(&g);
    return ok;
}

static bool trial_together(tarn_batch *batch, const int32_t *ids, bench_result *b, int number) {
    tarn_generation g[MOST_BATCH];
    const int32_t *each[MOST_BATCH];
    size_t counts[MOST_BATCH];
    for (int64_t i = 0; i < b->batch; i++) each[i] = ids + i * b->prompt, counts[i] = (size_t)b->prompt;
    bool ok = tarn_generate_batch_with(batch, each, counts, b->batch, g, b->options);
    round_of_bench *r = &b->trials[number];
    for (int64_t i = 0; i < b->batch; i++) {
        r->prefill_tps += g[i].prompt_tps;
        r->decode_tps += g[i].generation_tps;
        int64_t peak = peak_memory(&g[i]);
        if (peak > b->peak_memory) b->peak_memory = peak;
        tarn_generation_free(&g[i]);
    }
    return ok;
}

static bool trial(tarn_session *session, tarn_batch *batch, int32_t *ids, bench_result *b, int number) {
    random_ids(ids, b->batch * b->prompt, b->facts.vocab_size, (uint32_t)number + 1);
    return batch ? trial_together(batch, ids, b, number) : trial_alone(session, ids, b, number);
}

/* Floating-point operations of a prompt that are done: the head's once, and of the last layer only keys and values of
   every token (queries come with them), attention and what is behind it of the last one. */
static double prompt_flops(const bench_result *b) {
    const tarn_model_facts *f = &b->facts;
    double n = (double)b->prompt, seen = n * (n + 1) / 2, before = (double)f->layers - 1;
    double all = (double)f->layer_parameters, last = all / (double)f->layers;
    double last_qkv = (double)(f->hidden_size * (f->heads + 2 * f->kv_heads) * f->head_dim);
    double matrices = n * (all - last + last_qkv) + last - last_qkv;
    double attention = 2 * (before * seen + n) * (double)(f->heads * f->head_dim);
    return 2 * (matrices + attention + (double)(f->vocab_size * f->hidden_size));
}

/* Bytes that one step reads: weights, and keys and values of the tokens there are, on average. */
static double step_bytes(const bench_result *b) {
    double tokens = (double)b->batch * ((double)b->prompt + (double)(b->generated + 1) / 2);
    return (double)b->facts.step_bytes + (double)b->facts.cache_bytes_per_token * tokens;
}

/* Whether memory is what limits a step, and how fast it is read is known. */
static bool at_memory_limit(const bench_result *b) {
    return step_bytes(b) >= least_bytes && b->median.read_gbps > 0;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

static bool above_limit(const bench_result *b) {
    return (at_memory_limit(b) && b->decode_gbps > b->best.read_gbps) || b->prefill_tflops > b->best.tflops;
}

/* What the machine does now: beside trial `number`. */
static bool measure_limits(bench_result *b, int number) {
    if (!tarn_measure_device(tarn_default_device(), &b->limits)) return false;
    b->trials[number].read_gbps = b->limits.read_gbps_all;
    b->trials[number].tflops = larger(b->limits.f32_tflops, b->limits.bf16_tflops);
    return true;
}

/* The peak of the model's run is asked for, not that of the measuring buffer before it. Without /proc the larger one is
 * shown. */
static void forget_peak_memory(void) {
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file) return;
    fputs("5", file);
    fclose(file);
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median and best of one member of the trials. */
static void summarize(bench_result *b, size_t member) {
    double values[TRIALS];
    for (int i = 0; i < TRIALS; i++) memcpy(&values[i], (const char *)&b->trials[i] + member, sizeof values[i]);
    qsort(values, TRIALS, sizeof *values, compare_doubles);
    memcpy((char *)&b->median + member, &values[TRIALS / 2], sizeof *values);
    memcpy((char *)&b->best + member, &values[TRIALS - 1], sizeof *values);
}

static void summarize_all(bench_result *b) {
    summarize(b, offsetof(round_of_bench, prefill_tps));
    summarize(b, offsetof(round_of_bench, decode_tps));
    summarize(b, offsetof(round_of_bench, read_gbps));
    summarize(b, offsetof(round_of_bench, tflops));
    b->prefill_tflops = prompt_flops(b) / (double)b->prompt * b->median.prefill_tps * 1e-12;
    b->decode_gbps = step_bytes(b) * b->median.decode_tps / (double)b->batch * 1e-9;
}

/* Trials in turn with the limits, the first of which were measured before the model was made: the peak of memory is the
 * model's. */
static bool measure(const tarn_model *model, bench_result *b) {
    int32_t *ids = malloc((size_t)(b->batch * b->prompt) * sizeof *ids);
    int64_t context = b->prompt + b->generated + 1;
    tarn_session *session = b->batch > 1 ? NULL : tarn_session_new(model, .context = context);
    tarn_batch *batch = b->batch > 1 ? tarn_batch_new(model, b->batch, .context = context) : NULL;
    bool ok = ids && (session || batch);
    if (!ids) tarn_fail_kind(TARN_ERROR_MEMORY, "out of memory");
    for (int i = 0; ok && i < TRIALS; i++) {
        ok = (i == 0 || measure_limits(b, i));
        if (i > 0) forget_peak_memory();
        ok = ok && trial(session, batch, ids, b, i);
    }
    if (ok) summarize_all(b);
    tarn_session_free(session);
    tarn_batch_free(batch);
    free(ids);
    return ok;
}

/* ---- printing */

static void print_table(FILE *out, const bench_result *b) {
    const tarn_model_facts *f = &b->facts;
    fprintf(out, "model       %s, %.3f million parameters, %.1f MB (%.2f bits a weight)\n", f->model_type,
            (double)f->parameters / 1e6, (double)f->weight_bytes / 1e6, f->bits_per_weight);
    if (b->batch > 1) fprintf(out, "batch       %lld sequences, each of:\n", (long long)b->batch);
    fprintf(out, "prompt      %lld tokens: %.1f tokens/s, %.3f TFLOP/s = %.0f %% of %.3f\n", (long long)b->prompt,
            b->median.prefill_tps, b->prefill_tflops, 100 * b->prefill_tflops / b->median.tflops, b->median.tflops);
    fprintf(out, "generation  %lld tokens: %.2f tokens/s, %.2f GB/s", (long long)b->generated, b->median.decode_tps,
            b->decode_gbps);
    if (at_memory_limit(b))
        fprintf(out, " = %.0f %% of %.2f\n", 100 * b->decode_gbps / b->median.read_gbps, b->median.read_gbps);
    else if (b->median.read_gbps > 0)
        fprintf(out, " (partly from caches: memory reads %.2f)\n", b->median.read_gbps);
    else
        fprintf(out, " (too little memory is left to measure how fast it is read)\n");
    fprintf(out, "a step      reads %.1f MB of weights and scales and %.1f MB of cache\n", (double)f->step_bytes / 1e6,
            (step_bytes(b) - (double)f->step_bytes) / 1e6);
    fprintf(out, "medians of %d trials, each after a measurement of the limits\n", TRIALS);
    fprintf(out, "peak memory %.1f MB; %s, %d %s, %s; load average %.2f\n", (double)b->peak_memory / 1e6,
            b->limits.processor, b->limits.threads,
            tarn_default_device().type == TARN_CPU ? "threads" : "multiprocessors", b->limits.isa_used,
            b->limits.load_average);
}

static void print_json(cli_output *out, const bench_result *b) {
    json_field_text(out, "model_type", b->facts.model_type);
    json_field_integer(out, "parameters", b->facts.parameters);
    json_field_integer(out, "weight_bytes", b->facts.weight_bytes);
    json_field_number(out, "bits_per_weight", b->facts.bits_per_weight);
    json_field_integer(out, "batch", b->batch);
    json_field_integer(out, "prompt_tokens", b->prompt);
    json_field_integer(out, "generation_tokens", b->generated);
    json_field_number(out, "prefill_tps", b->median.prefill_tps);
    json_field_number(out, "decode_tps", b->median.decode_tps);
    json_field_number(out, "decode_gbps", b->decode_gbps);
    json_field_number(out, "read_gbps_limit", b->median.read_gbps);
    json_field_number(out, "step_bytes", step_bytes(b));
    json_field_number(out, "decode_share", at_memory_limit(b) ? b->decode_gbps / b->median.read_gbps : 0.0 / 0.0);
    json_field_number(out, "prefill_tflops", b->prefill_tflops);
    json_field_number(out, "tflops_limit", b->median.tflops);
    json_field_number(out, "prefill_share", b->prefill_tflops / b->median.tflops);
    json_field_integer(out, "peak_memory_bytes", b->peak_memory);
    json_field_text(out, "processor", b->limits.processor);
    json_field_text(out, "isa", b->limits.isa_used);
    json_field_integer(out, "threads", b->limits.threads);
    json_field_number(out, "load_average", b->limits.load_average);
    fputs("}\n", out->stream);
}

static int print(const cli_values *v, const bench_result *b) {
    cli_output out;
    if (above_limit(b))
        return cli_error(
            "%.2f GB/s of %.2f and %.3f TFLOP/s of %.3f: a figure above the limit means that the measurement is wrong",
            b->decode_gbps, b->best.read_gbps, b->prefill_tflops, b->best.tflops);
    if (!cli_open(&out)) return EXIT_FAILED;
    if (v->json)
        print_json(&out, b);
    else
        print_table(out.stream, b);
    return cli_close(&out, 0);
}

/* ---- the command */

static int64_t generated_of(const cli_values *v) {
    return v->generation_length.given ? v->generation_length.value : 32;
}

static int64_t prompt_of(const cli_values *v) {
    if (v->context.given) return v->context.value - generated_of(v);
    return v->prompt_length.given ? v->prompt_length.value : 256;
}

static int64_t batch_of(const cli_values *v) {
    return v->batch.given ? v->batch.value : 1;
}

static bool check(const cli_values *v) {
    const char *name = bench_command.name;
    int64_t bits = v->bits.given ? v->bits.value : 4;
    if (!v->model == !v->random) return cli_misuse(name, "give either --model or --random"), false;
    if (v->model && v->bits.given) return cli_misuse(name, "--bits needs --random"), false;
    if (v->context.given && v->prompt_length.given) return cli_misuse(name, "give -p or --context, not both"), false;
    if (!cli_check_generation(name, v)) return false;
    if (bits != 16 && (bits < 2 || bits > 8 || bits == 7))
        return cli_misuse(name, "--bits must be 2, 3, 4, 5, 6, 8 or 16"), false;
    if (v->prompt_length.given && v->prompt_length.value < 1) return cli_misuse(name, "-p must be 1 or more"), false;
    if (v->context.given && v->context.value <= generated_of(v))
        return cli_misuse(name, "--context must be above -n"), false;
    if (v->generation_length.given && v->generation_length.value < 1)
        return cli_misuse(name, "-n must be 1 or more"), false;
    if (batch_of(v) < 1 || batch_of(v) > MOST_BATCH)
        return cli_misuse(name, "--batch-size must be from 1 to %d", MOST_BATCH), false;
    return true;
}

static tarn_model *make_model(const cli_values *v) {
    tarn_dtype dtype;
    if (!v->random) return cli_load(v, true);
    return cli_dtype(v->dtype, &dtype)
               ? tarn_model_random(v->random, v->bits.given ? (int)v->bits.value : 4, .dtype = dtype)
               : NULL;
}

static bool known_shape(const char *name) {
    size_t length = strlen(name);
    for (const char *at = tarn_model_shapes(); *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        if (n == length && !strncmp(at, name, n)) return true;
        at += n;
    }
    return false;
}

static int check_context(const bench_result *b) {
    if (b->prompt <= b->facts.context - b->generated - 1) return 0;
    return cli_error("-p %lld and -n %lld do not fit the context of %lld tokens", (long long)b->prompt,
                     (long long)b->generated, (long long)b->facts.context);
}

/* What will be refused is refused before the limits are measured, which takes seconds. Weights stay in their file here.
 */
static int look_ahead(const cli_values *v, bench_result *b) {
    cli_values as_stored = *v;
    as_stored.dtype = as_stored.device = NULL;
    if (v->random && known_shape(v->random)) return 0;
    tarn_model *model = make_model(&as_stored);
    if (!model) return cli_failed();
    tarn_model_info(model, &b->facts);
    tarn_model_free(model);
    return check_context(b);
}

/* The first token belongs to the prompt's time. */
static tarn_generate_options answers_of(const cli_values *v) {
    tarn_generate_options o = cli_generation(v, generated_of(v) + 1);
    o.ignore_end = true;
    o.on_prompt = NULL;
    return o;
}

static int run(const cli_values *v) {
    if (!check(v)) return EXIT_USAGE;
    bench_result b = {
        .batch = batch_of(v), .prompt = prompt_of(v), .generated = generated_of(v), .options = answers_of(v)};
    int status = look_ahead(v, &b);
    if (status) return status;
    if (!cli_use_device(v)) return cli_failed();
    if (!measure_limits(&b, 0))
        return cli_failed(); /* before the model is there: reading fast takes a large buffer of its own */
    forget_peak_memory();
    tarn_model *model = make_model(v);
    if (!model) return cli_failed();
    tarn_model_info(model, &b.facts);
    status = check_context(&b);
    if (!status && !measure(model, &b)) status = cli_failed();
    tarn_model_free(model);
    return status ? status : print(v, &b);
}

const cli_command bench_command = {"bench",
                                   "speed beside the machine's limits",
                                   "FOLDER | --random SHAPE [options]",
                                   FIELD(model),
                                   options,
                                   (int)(sizeof options / sizeof *options),
                                   run};
