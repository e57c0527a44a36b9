/* tarn tokenize and tarn detokenize: text to ids and back, without loading a model's weights. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const cli_option tokenize_options[] = {
    {"--model", NULL, OPTION_TEXT, FIELD(model), "FOLDER", "Model folder"},
    {"--prompt", "-p", OPTION_TEXT, FIELD(prompt), "TEXT", "The text, as it is"},
    {"--text", NULL, OPTION_TEXT, FIELD(text), "FILE", "The text, from a file; - reads standard input (the default)"},
    {"--no-special-tokens", NULL, OPTION_FLAG, FIELD(no_special_tokens), NULL,
     "Add none, such as a beginning-of-text token"},
    {"--json", NULL, OPTION_FLAG, FIELD(json), NULL, "The output is JSON in any case"},
};
static const cli_option detokenize_options[] = {
    {"--model", NULL, OPTION_TEXT, FIELD(model), "FOLDER", "Model folder"},
    {"--prompt-ids", NULL, OPTION_TEXT, FIELD(prompt_ids), "IDS", "Token ids, a JSON list or space separated"},
    {"--text", NULL, OPTION_TEXT, FIELD(text), "FILE", "The same from a file; - reads standard input (the default)"},
    {"--skip-special-tokens", NULL, OPTION_FLAG, FIELD(skip_special_tokens), NULL, "Leave special tokens out"},
    {"--json", NULL, OPTION_FLAG, FIELD(json), NULL, "Print one JSON object with the text"},
};

/* False, after a message, without a model or with more than one input: an option's words, bare words, a file. */
static bool check(const char *command, const cli_values *v, const char *option, const char *words) {
    if (!v->model) return cli_misuse(command, "--model is missing"), false;
    if (!!words + !!v->positional + !!v->text > 1)
        return cli_misuse(command, "give one of %s, --text and a bare word", option), false;
    return true;
}

/* The text that the words hold, or that of the file, or of standard input. */
static char *input_text(const cli_values *v, const char *words, size_t *length) {
    if (!words) words = v->positional;
    if (!words) return cli_read(v->text ? v->text : "-", length);
    char *copy = strdup(words);
    if (!copy) cli_error("out of memory");
    *length = strlen(words);
    return copy;
}

static int print_ids(const int32_t *ids, size_t count) {
    cli_output out;
    if (!cli_open(&out)) return EXIT_FAILED;
    json_ids(out.stream, ids, count);
    fputc('\n', out.stream);
    return cli_close(&out, 0);
}

static int tokenize(const cli_values *v) {
    int32_t *ids = NULL;
    size_t count = 0, length = 0;
    if (!check(tokenize_command.name, v, "--prompt", v->prompt)) return EXIT_USAGE;
    tarn_tokenizer *tokenizer = tarn_tokenizer_load(v->model);
    if (!tokenizer) return cli_failed();
    char *text = input_text(v, v->prompt, &length);
    int status = EXIT_FAILED;
    if (text)
        status =
            tarn_tokenizer_encode(tokenizer, text, length, &ids, &count, .add_special_tokens = !v->no_special_tokens)
                ? print_ids(ids, count)
                : cli_failed();
    tarn_free(ids);
    free(text);
    tarn_tokenizer_free(tokenizer);
    return status;
}

static int print_text(const cli_values *v, const char *text, size_t length) {
    cli_output out;
    if (!cli_open(&out)) return EXIT_FAILED;
    if (v->json) {
        json_key(&out, "text");
        json_text(out.stream, text, length);
        fputs("}\n", out.stream);
    } else {
        fwrite(text, 1, length, out.stream);
        if (isatty(STDOUT_FILENO)) fputc('\n', out.stream);
    }
    return cli_close(&out, 0);
}

static int decode(const cli_values *v, const tarn_tokenizer *tokenizer, const char *text, size_t text_length) {
    int32_t *ids = NULL;
    size_t count = 0, length = 0;
    const char *what = v->prompt_ids || v->positional ? "token ids" : cli_path_name(v->text ? v->text : "-");
    if (!cli_parse_ids(text, text_length, what, &ids, &count)) return EXIT_FAILED;
    char *decoded =
        tarn_tokenizer_decode(tokenizer, ids, count, &length, .skip_special_tokens = v->skip_special_tokens);
    int status = decoded ? print_text(v, decoded, length) : cli_failed();
    tarn_free(decoded);
    tarn_free(ids);
    return status;
}

static int detokenize(const cli_values *v) {
    size_t length = 0;
    if (!check(detokenize_command.name, v, "--prompt-ids", v->prompt_ids)) return EXIT_USAGE;
    tarn_tokenizer *tokenizer = tarn_tokenizer_load(v->model);
    if (!tokenizer) return cli_failed();
    char *text = input_text(v, v->prompt_ids, &length);
    int status = text ? decode(v, tokenizer, text, length) : EXIT_FAILED;
    free(text);
    tarn_tokenizer_free(tokenizer);
    return status;
}

const cli_command tokenize_command = {"tokenize",
                                      "text to token ids, a JSON list",
                                      "--model FOLDER [TEXT | --text FILE|-]",
                                      FIELD(positional),
                                      tokenize_options,
                                      (int)(sizeof tokenize_options / sizeof *tokenize_options),
                                      tokenize};
const cli_command detokenize_command = {
    "detokenize",      "token ids to text", "--model FOLDER [IDS | --text FILE|-]",
    FIELD(positional), detokenize_options,  (int)(sizeof detokenize_options / sizeof *detokenize_options),
    detokenize};
