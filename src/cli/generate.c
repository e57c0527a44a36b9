/* tarn generate: text, or one JSON object, from a prompt. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const cli_option options[] = {
    MODEL_OPTION,
    {"--prompt", "-p", OPTION_TEXT, FIELD(prompt), "TEXT",
     "What to say; \\n and \\t become newline and tab; - reads standard input"},
    {"--no-escapes", NULL, OPTION_FLAG, FIELD(no_escapes), NULL, "Leave \\n and \\t in --prompt as they are"},
    {"--prompt-ids", NULL, OPTION_TEXT, FIELD(prompt_ids), "IDS", "Token ids, space separated, instead of a prompt"},
    {"--system-prompt", NULL, OPTION_TEXT, FIELD(system_prompt), "TEXT", "A system message before the prompt"},
    {"--ignore-chat-template", NULL, OPTION_FLAG, FIELD(ignore_chat_template), NULL, "Take the prompt as it is"},
    {"--max-tokens", "-m", OPTION_INTEGER, FIELD(max_tokens), "N", "At most so many tokens (100)"},
    SAMPLING_OPTIONS,
    {"--json", NULL, OPTION_FLAG, FIELD(json), NULL, "Print one JSON object with tokens, text and figures"},
};

static bool check(const cli_values *v) {
    const char *name = generate_command.name;
    if (!v->model) return cli_misuse(name, "a model folder is missing (--model)"), false;
    if (!v->prompt == !v->prompt_ids) return cli_misuse(name, "give either --prompt or --prompt-ids"), false;
    if (v->prompt_ids && v->no_escapes) return cli_misuse(name, "--no-escapes needs --prompt"), false;
    if (v->prompt_ids && v->system_prompt) return cli_misuse(name, "--system-prompt needs --prompt"), false;
    if (v->ignore_chat_template && v->system_prompt)
        return cli_misuse(name, "--system-prompt needs the chat template"), false;
    return cli_check_generation(name, v);
}

/* ---- the prompt */

/* As mlx-lm does it: \n and \t only, and no way to write a backslash before n or t; --no-escapes is that. */
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
    if (!v->no_escapes) unescape(s);
    *length = strlen(s);
    return s;
}

static bool encode(const cli_values *v, const tarn_model *model, const char *text, size_t length, int32_t **ids,
                   size_t *count) {
    if (!v->ignore_chat_template)
        return tarn_model_encode_prompt(model, text, length, ids, count, .system = v->system_prompt);
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
    cli_progress_end();
    if (fwrite(text, 1, length, stdout) == length && !fflush(stdout)) return true;
    *error = errno;
    return false;
}

static void print_figures(const tarn_generation *r) {
    fprintf(stderr,
            "==========\nPrompt: %lld tokens, %.3f tokens-per-sec\nGeneration: %zu tokens, %.3f tokens-per-sec\n",
            (long long)r->prompt_tokens, r->prompt_tps, r->token_count, r->generation_tps);
    fprintf(stderr, "Peak memory: %.3f GB\n", (double)r->peak_memory_bytes / 1e9);
}

static int print_json(const int32_t *ids, size_t count, const tarn_generation *r) {
    cli_output out;
    if (!cli_open(&out)) return EXIT_FAILED;
    json_field_ids(&out, "prompt_tokens", ids, count);
    json_generation(&out, r);
    fputs("}\n", out.stream);
    return cli_close(&out, 0);
}

static int print_result(const cli_values *v, const tarn_model *model, const int32_t *ids, size_t count,
                        const tarn_generation *r) {
    if (v->json) return print_json(ids, count, r);
    if (!tarn_model_tokenizer(model)) /* there is no text: the ids are the answer */
        for (size_t i = 0; i < r->token_count; i++) printf("%s%d", i ? " " : "", r->tokens[i]);
    if (putchar('\n') < 0 || fflush(stdout)) return cli_error("standard output: %s", strerror(errno));
    print_figures(r);
    return 0;
}

static int fail_answer(const cli_values *v, const tarn_generation *r) {
    if (!v->json && r->text_length) putchar('\n');
    fflush(stdout);
    return cli_failed();
}

static int answer(const cli_values *v, const tarn_model *model, const int32_t *ids, size_t count) {
    int write_error = 0, status;
    tarn_generate_options o = cli_generation(v, 100);
    o.on_text = v->json ? NULL : print_piece;
    o.context = &write_error;
    tarn_generation result = {0};
    tarn_session *session = tarn_session_new(model);
    cli_progress_begin("prompt");
    bool ok = session && tarn_generate_with(session, ids, count, &result, o);
    cli_progress_end();
    if (!ok) {
        status = fail_answer(v, &result);
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
                                      "FOLDER --prompt TEXT|- [options]",
                                      FIELD(model),
                                      options,
                                      (int)(sizeof options / sizeof *options),
                                      run};
