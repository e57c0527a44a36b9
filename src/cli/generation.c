/* What generating commands share: checks of their options, the library's options made from them, and results as JSON.
 */
#include "cli.h"

static bool within(given_number n, double low, double high) {
    return n.value >= low && n.value <= high;
}

bool cli_check_generation(const char *command, const cli_values *v) {
    if (v->max_tokens.value < 0) return cli_misuse(command, "--max-tokens must not be negative"), false;
    if (v->temperature.value < 0) return cli_misuse(command, "--temp must not be negative"), false;
    if (!within(v->top_p, 0, 1)) return cli_misuse(command, "--top-p must be from 0 to 1"), false;
    if (!within(v->min_p, 0, 1)) return cli_misuse(command, "--min-p must be from 0 to 1"), false;
    if (v->top_k.value < 0) return cli_misuse(command, "--top-k must not be negative"), false;
    if (v->seed.value < 0) return cli_misuse(command, "--seed must not be negative"), false;
    if (v->repetition_penalty.value < 0) return cli_misuse(command, "--repetition-penalty must not be negative"), false;
    return cli_check_names(command, v);
}

tarn_generate_options cli_generation(const cli_values *v, int64_t usual_tokens) {
    return (tarn_generate_options){
        .temperature = v->temperature.value,
        .top_p = v->top_p.value,
        .min_p = v->min_p.value,
        .top_k = v->top_k.value,
        .repetition_penalty = v->repetition_penalty.value,
        .presence_penalty = v->presence_penalty.value,
        .frequency_penalty = v->frequency_penalty.value,
        .seed = v->seed.given ? TARN_SEED((uint64_t)v->seed.value) : (tarn_seed){0},
        .max_tokens = TARN_VALUE((double)(v->max_tokens.given ? v->max_tokens.value : usual_tokens)),
        .stop = v->stop.items,
        .stop_count = v->stop.count,
        .on_prompt = cli_progress,
        .interrupt = &cli_interrupted,
    };
}

void json_generation(cli_output *out, const tarn_generation *r) {
    json_field_ids(out, "tokens", r->tokens, r->token_count);
    json_key(out, "text");
    if (r->text)
        json_text(out->stream, r->text, r->text_length);
    else
        fputs("null", out->stream);
    json_field_text(out, "finish_reason", tarn_finish_name(r->finish));
    json_field_number(out, "prompt_tps", r->prompt_tps);
    json_field_number(out, "generation_tps", r->generation_tps);
    json_field_integer(out, "peak_memory_bytes", r->peak_memory_bytes);
}
