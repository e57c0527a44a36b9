/* tarn template: renders a chat template over messages. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const cli_option options[] = {
    {"--model", NULL, OPTION_TEXT, FIELD(model), "FOLDER", "Folder whose tokenizer holds the template"},
    {"--file", NULL, OPTION_TEXT, FIELD(file), "F.jinja", "A template file instead"},
    {"--messages", NULL, OPTION_TEXT, FIELD(messages), "FILE", "JSON list of messages; - reads standard input"},
    {"--add-generation-prompt", NULL, OPTION_FLAG, FIELD(add_generation_prompt), NULL, "Begin the answer"},
    {"--vars", NULL, OPTION_TEXT, FIELD(vars), "JSON", "An object of further variables, such as tools"},
};

static int print(const char *text, size_t length) {
    cli_output out;
    if (!cli_open(&out)) return EXIT_FAILED;
    fwrite(text, 1, length, out.stream);
    if (isatty(STDOUT_FILENO)) fputc('\n', out.stream);
    return cli_close(&out, 0);
}

/* NULL after a message, which names --vars or the file of the messages. */
static char *make_variables(const cli_values *v, const tarn_tokenizer *tokenizer, const char *messages) {
    char *alone = tarn_template_variables(tokenizer, "[]", .variables_json = v->vars);
    if (!alone) return cli_error("--vars: %s", tarn_error()), NULL;
    tarn_free(alone);
    char *variables = tarn_template_variables(tokenizer, messages, .variables_json = v->vars,
                                              .add_generation_prompt = v->add_generation_prompt);
    if (!variables) cli_error("%s: %s", cli_path_name(v->messages), tarn_error());
    return variables;
}

static int render(const cli_values *v, const tarn_tokenizer *tokenizer, const char *source, size_t length,
                  const char *name, const char *messages) {
    size_t rendered = 0;
    tarn_template *parsed = tarn_template_parse(source, length, name);
    if (!parsed) return cli_failed();
    char *variables = make_variables(v, tokenizer, messages);
    char *text = variables ? tarn_template_render(parsed, variables, strlen(variables), &rendered) : NULL;
    int status = EXIT_FAILED;
    if (text)
        status = print(text, rendered);
    else if (variables)
        cli_failed();
    tarn_free(text);
    tarn_free(variables);
    tarn_template_free(parsed);
    return status;
}

static int render_model(const cli_values *v, const char *messages) {
    size_t length = 0;
    tarn_tokenizer *tokenizer = tarn_tokenizer_load(v->model);
    if (!tokenizer) return cli_failed();
    const char *name = tarn_template_name(tokenizer, v->vars);
    const char *source = tarn_tokenizer_chat_template(tokenizer, .name = name, .length = &length);
    int status = source ? render(v, tokenizer, source, length, v->model, messages)
                        : cli_error("%s: the folder has no chat template", v->model);
    tarn_tokenizer_free(tokenizer);
    return status;
}

static int render_file(const cli_values *v, const char *messages) {
    size_t length = 0;
    char *source = cli_read(v->file, &length);
    int status = source ? render(v, NULL, source, length, v->file, messages) : EXIT_FAILED;
    free(source);
    return status;
}

static int run(const cli_values *v) {
    size_t length = 0;
    if (!v->model == !v->file) return cli_misuse(template_command.name, "give either --model or --file");
    if (!v->messages) return cli_misuse(template_command.name, "--messages is missing");
    char *messages = cli_read(v->messages, &length);
    if (!messages) return EXIT_FAILED;
    int status = EXIT_FAILED;
    if (cli_no_nul(messages, length, cli_path_name(v->messages)))
        status = v->model ? render_model(v, messages) : render_file(v, messages);
    free(messages);
    return status;
}

const cli_command template_command = {"template",
                                      "render a chat template",
                                      "--model FOLDER | --file F.jinja, --messages FILE [options]",
                                      NO_WORD,
                                      options,
                                      (int)(sizeof options / sizeof *options),
                                      run};
