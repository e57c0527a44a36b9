/* tarn generate: text, or one JSON object, from a prompt. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const cli_option options[] = {
    {"--model", NULL, OPTION_TEXT, FIELD(model), "DIR", "Model folder"},
    {"--prompt", "-p", OPTION_TEXT, FIELD(prompt), "TEXT", "What to say; \\n and \\t are unescaped; - reads standard input"},
    {"--prompt-ids", NULL, OPTION_TEXT, FIELD(prompt_ids), "IDS", "Token ids, space separated, instead of a prompt"},
    {"--system-prompt", NULL, OPTION_TEXT, FIELD(system_prompt), "TEXT", "A system message before the prompt"},
    {"--max-tokens", "-m", OPTION_INTEGER, FIELD(max_tokens), "N", "At most so many tokens (100)"},
    {"--temp", NULL, OPTION_NUMBER, FIELD(temperature), "T",
     "Temperature; 0 takes the most likely token, whatever --top-p, --top-k and --min-p say (0)"},
    {"--top-p", NULL, OPTION_NUMBER, FIELD(top_p), "P", "Keep the likeliest tokens that have this mass together (1: off)"},
    {"--top-k", NULL, OPTION_INTEGER, FIELD(top_k), "K", "Keep the K likeliest tokens (0: off)"},
    {"--min-p", NULL, OPTION_NUMBER, FIELD(min_p), "P", "Keep tokens at least P times as likely as the best (0: off)"},
    {"--repetition-penalty", NULL, OPTION_NUMBER, FIELD(repetition_penalty), "P", "Make recent tokens less likely (0: off)"},
    {"--presence-penalty", NULL, OPTION_NUMBER, FIELD(presence_penalty), "P", "Take P off the logits of recent tokens (0: off)"},
    {"--frequency-penalty", NULL, OPTION_NUMBER, FIELD(frequency_penalty), "P", "The same for each occurrence (0: off)"},
    {"--stop", NULL, OPTION_LIST, FIELD(stop), "TEXT", "End before this text; may be given several times"},
    {"--seed", NULL, OPTION_INTEGER, FIELD(seed), "N", "Seed of the random numbers (from the clock)"},
    {"--dtype", NULL, OPTION_TEXT, FIELD(dtype), "NAME", "float32, bfloat16 or float16 (as in the file)"},
    {"--ignore-chat-template", NULL, OPTION_FLAG, FIELD(ignore_chat_template), NULL, "Take the prompt as it is"},
    {"--json", NULL, OPTION_FLAG, FIELD(json), NULL, "Print one JSON object with tokens, text and figures"},
};

static bool check(const cli_values *v) {
    const char *name = generate_command.name;
    if (!v->model) return cli_misuse(name, "--model is missing"), false;
    if (!v->prompt == !v->prompt_ids) return cli_misuse(name, "give either --prompt or --prompt-ids"), false;
    if (v->prompt_ids && v->system_prompt) return cli_misuse(name, "--system-prompt needs --prompt"), false;
    if (v->ignore_chat_template && v->system_prompt) return cli_misuse(name, "--system-prompt needs the chat template"), false;
    return cli_check_generation(name, v);
}

/* ---- the prompt */

static void unescape(char *s) {
    char *out = s;
    for (; *s; s++) {
        if (*s == '\\' && (s[1] == 'n' || s[1] == 't'))
            *out++ = *++s == 'n' ? '\n' : '\t';
        else
            *out++ = *s;
    }
    *out = 0;
}

static char *prompt_text(const cli_values *v, size_t *length) {
    if (!strcmp(v->prompt, "-")) return cli_read("-", length);
    char *s = strdup(v->prompt);
    if (!s) return cli_error("out of memory"), NULL;
    unescape(s);
    *length = strlen(s);
    return s;
}

static bool encode(const cli_values *v, const tarn_model *model, const char *text, size_t length, int32_t **ids, size_t *count) {
    if (!v->ignore_chat_template) return tarn_model_encode_prompt(model, v->system_prompt, text, length, ids, count);
    return tarn_model_encode_text(model, text, length, ids, count);
}

/* *ids is to be released with tarn_free. */
static bool prompt_ids(const cli_values *v, const tarn_model *model, int32_t **ids, size_t *count) {
    if (v->prompt_ids) return cli_parse_ids(v->prompt_ids, strlen(v->prompt_ids), "--prompt-ids", ids, count);
    size_t length;
    char *text = prompt_text(v, &length);
    if (!text) return false;
    bool ok = encode(v, model, text, length, ids, count);
    if (!ok) cli_failed();
    free(text);
    return ok;
}

/* ---- the answer */

static bool print_piece(void *context, const char *text, size_t length) {
    int *error = context;
    if (fwrite(text, 1, length, stdout) == length && !fflush(stdout)) return true;
    *error = errno;
    return false;
}

static void print_figures(const tarn_generation *r) {
    fprintf(stderr, "==========\nPrompt: %lld tokens, %.3f tokens-per-sec\nGeneration: %zu tokens, %.3f tokens-per-sec\n",
            (long long)r->prompt_tokens, r->prompt_tps, r->token_count, r->generation_tps);
    fprintf(stderr, "Peak memory: %.3f GB\n", (double)r->peak_memory_bytes / 1e9);
}

static int print_json(const int32_t *ids, size_t count, const tarn_generation *r) {
    cli_output out;
    if (!cli_open(&out)) return EXIT_FAILED;
    json_field_ids(&out, "prompt_tokens", ids, count);
    json_field_ids(&out, "tokens", r->tokens, r->token_count);
    json_key(&out, "text");
    if (r->text)
        json_text(out.stream, r->text, r->text_length);
    else
        fputs("null", out.stream);
    json_field_text(&out, "finish_reason", tarn_finish_name(r->finish));
    json_field_number(&out, "prompt_tps", r->prompt_tps);
    json_field_number(&out, "generation_tps", r->generation_tps);
    json_field_integer(&out, "peak_memory_bytes", r->peak_memory_bytes);
    fputs("}\n", out.stream);
    return cli_close(&out, 0);
}

static int print_result(const cli_values *v, const tarn_model *model, const int32_t *ids, size_t count, const tarn_generation *r) {
    if (v->json) return print_json(ids, count, r);
    if (!tarn_model_tokenizer(model)) /* there is no text: the ids are the answer */
        for (size_t i = 0; i < r->token_count; i++) printf("%s%d", i ? " " : "", r->tokens[i]);
    if (putchar('\n') < 0 || fflush(stdout)) return cli_error("standard output: %s", strerror(errno));
    print_figures(r);
    return 0;
}

static int answer(const cli_values *v, const tarn_model *model, const int32_t *ids, size_t count) {
    int write_error = 0;
    tarn_generate_options o = {
        .temperature = v->temperature.value,
        .top_p = v->top_p.value,
        .min_p = v->min_p.value,
        .top_k = v->top_k.value,
        .repetition_penalty = v->repetition_penalty.value,
        .presence_penalty = v->presence_penalty.value,
        .frequency_penalty = v->frequency_penalty.value,
        .seed = {v->seed.given, (uint64_t)v->seed.value},
        .max_tokens = TARN_VALUE(v->max_tokens.given ? (double)v->max_tokens.value : 100),
        .stop = v->stop.items,
        .stop_count = v->stop.count,
        .on_text = v->json ? NULL : print_piece,
        .context = &write_error,
        .interrupt = &cli_interrupted,
    };
    tarn_generation result = {0};
    tarn_session *session = tarn_session_new(model);
    int status = session && tarn_generate_with(session, ids, count, &result, o) ? 0 : EXIT_FAILED;
    if (status) {
        if (!v->json && result.text_length) putchar('\n');
        fflush(stdout);
        cli_failed();
    } else if (write_error) {
        status = cli_error("standard output: %s", strerror(write_error));
    } else {
        status = print_result(v, model, ids, count, &result);
        if (!status && result.finish == TARN_FINISH_INTERRUPTED) status = EXIT_INTERRUPTED;
    }
    tarn_generation_free(&result);
    tarn_session_free(session);
    return status;
}

static int run(const cli_values *v) {
    if (!check(v)) return EXIT_USAGE;
    int32_t *ids = NULL;
    size_t count = 0;
    tarn_model *model = cli_load(v, false);
    if (!model) return cli_failed();
    cli_catch_interrupt();
    int status = prompt_ids(v, model, &ids, &count) ? answer(v, model, ids, count) : EXIT_FAILED;
    tarn_free(ids);
    tarn_model_free(model);
    return status;
}

const cli_command generate_command = {"generate",
                                      "generate text from a prompt",
                                      "--model DIR --prompt TEXT|- [options]",
                                      NULL,
                                      options,
                                      (int)(sizeof options / sizeof *options),
                                      run};
