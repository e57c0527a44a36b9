/* tarn score: how likely a model finds a text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const cli_option options[] = {
    MODEL_OPTION,
    {"--text", NULL, OPTION_TEXT, FIELD(text), "FILE", "The text; - reads standard input"},
    {"--ids", NULL, OPTION_FLAG, FIELD(ids), NULL, "The text is token ids, space separated"},
    {"--stride", NULL, OPTION_INTEGER, FIELD(stride), "N",
     "Score a text beyond the context in windows, each N tokens after the last (off)"},
    DTYPE_OPTION,
    DEVICE_OPTION,
    {"--json", NULL, OPTION_FLAG, FIELD(json), NULL, "Print tokens and their log-probabilities as one JSON object"},
};

static double mean_nll(const double *logprobs, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum -= logprobs[i];
    return sum / (double)n;
}

static int print(const cli_values *v, const int32_t *ids, size_t count, const double *logprobs) {
    cli_output out;
    double nll = mean_nll(logprobs, count - 1);
    if (!cli_open(&out)) return EXIT_FAILED;
    if (!v->json) {
        fprintf(out.stream, "tokens      %zu\nmean nll    %.6f\nperplexity  %.6f\n", count, nll, exp(nll));
        return cli_close(&out, 0);
    }
    json_field_ids(&out, "tokens", ids, count);
    json_key(&out, "token_logprobs");
    for (size_t i = 0; i + 1 < count; i++) fprintf(out.stream, "%s%.9g", i ? ", " : "[", logprobs[i]);
    fputs("]", out.stream);
    json_field_number(&out, "mean_nll", nll);
    json_field_number(&out, "perplexity", exp(nll));
    fputs("}\n", out.stream);
    return cli_close(&out, 0);
}

static bool fits(const cli_values *v, const tarn_model *model, size_t count) {
    tarn_model_facts facts;
    tarn_model_info(model, &facts);
    long long context = facts.context, stride = v->stride.value;
    if (count < 2)
        return cli_error("%s: the text has %zu token, and the first is not scored", cli_path_name(v->text), count),
               false;
    if (v->stride.given && stride >= context)
        return cli_error("--stride %lld must be below the context of %lld", stride, context), false;
    if ((long long)count <= context || v->stride.given) return true;
    return cli_error("%s: the text has %zu tokens, but the context holds %lld; --stride N scores it in windows, such "
                     "as --stride %lld",
                     cli_path_name(v->text), count, context, context / 2),
           false;
}

static int score(const cli_values *v, const tarn_model *model, const int32_t *ids, size_t count) {
    if (!fits(v, model, count)) return EXIT_FAILED;
    double *logprobs = malloc(count * sizeof *logprobs);
    tarn_session *session = tarn_session_new(model);
    if (!logprobs) tarn_fail_kind(TARN_ERROR_MEMORY, "out of memory");
    cli_progress_begin("scored");
    bool ok = logprobs && session &&
              tarn_score(session, ids, count, logprobs, .stride = v->stride.value, .on_prompt = cli_progress);
    cli_progress_end();
    int status = ok ? print(v, ids, count, logprobs) : cli_failed();
    tarn_session_free(session);
    free(logprobs);
    return status;
}

static bool text_ids(const cli_values *v, const tarn_model *model, const char *text, size_t length, int32_t **ids,
                     size_t *count) {
    if (v->ids) return cli_parse_ids(text, length, cli_path_name(v->text), ids, count);
    const tarn_tokenizer *tokenizer = tarn_model_tokenizer(model);
    if (!tokenizer)
        return cli_error("%s: the folder has no tokenizer.json; give token ids with --ids", v->model), false;
    if (tarn_model_encode_text(model, text, length, ids, count)) return true;
    return cli_error("%s: %s", cli_path_name(v->text), tarn_error()), false;
}

static int run(const cli_values *v) {
    int32_t *ids = NULL;
    size_t count = 0, length = 0;
    if (!v->model) return cli_misuse(score_command.name, "a model folder is missing (--model)");
    if (!v->text) return cli_misuse(score_command.name, "--text is missing");
    if (!cli_check_names(score_command.name, v)) return EXIT_USAGE;
    if (v->stride.given && v->stride.value < 1) return cli_misuse(score_command.name, "--stride must be 1 or more");
    char *text = cli_read(v->text, &length);
    if (!text) return EXIT_FAILED;
    bool empty = !text[strspn(text, " \t\r\n")];
    if (empty) return free(text), cli_error("%s: the text is empty", cli_path_name(v->text));
    tarn_model *model = cli_load(v, v->ids);
    int status = model ? EXIT_FAILED : cli_failed();
    if (model && text_ids(v, model, text, length, &ids, &count)) status = score(v, model, ids, count);
    tarn_free(ids);
    tarn_model_free(model);
    free(text);
    return status;
}

const cli_command score_command = {"score",
                                   "log-probabilities and perplexity of a text",
                                   "FOLDER --text FILE|- [options]",
                                   FIELD(model),
                                   options,
                                   (int)(sizeof options / sizeof *options),
                                   run};
