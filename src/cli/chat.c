/* tarn chat: a conversation at the terminal, or a message a line from elsewhere. Ctrl-C stops an answer and keeps the
 * conversation. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "line_reader.h"

static const cli_option options[] = {
    MODEL_OPTION,
    {"--system-prompt", NULL, OPTION_TEXT, FIELD(system_prompt), "TEXT", "A system message before the conversation"},
    {"--max-tokens", "-m", OPTION_INTEGER, FIELD(max_tokens), "N", "At most so many tokens an answer (256)"},
    SAMPLING_OPTIONS,
    {"--exact-cache", NULL, OPTION_FLAG, FIELD(exact_cache), NULL,
     "Compute answers again as prompt, so that each turn has the bits of a fresh conversation (slower)"},
    {"--json", NULL, OPTION_FLAG, FIELD(json), NULL, "Print one JSON object for each answer"},
};

typedef struct {
    const cli_values *values;
    tarn_chat *chat;
    FILE *notes; /* where what is no answer goes */
    bool failed; /* a turn did */
} conversation;

/* ---- turns */

static bool print_piece(void *context, const char *text, size_t length) {
    (void)context;
    cli_progress_end();
    return fwrite(text, 1, length, stdout) == length && !fflush(stdout);
}

static void print_json(const tarn_generation *r, int64_t dropped) {
    cli_output out;
    if (!cli_open(&out)) return;
    json_field_integer(&out, "prompt_token_count", r->prompt_tokens);
    json_field_integer(&out, "reused_token_count", r->reused_tokens);
    json_field_integer(&out, "dropped_turns", dropped);
    json_generation(&out, r);
    fputs("}\n", out.stream);
    cli_close(&out, 0);
}

/* Beside the answer, never among it. */
static void print_remarks(const tarn_generation *r, int64_t dropped) {
    if (dropped) fprintf(stderr, "(the context is full: the oldest %lld turns are forgotten)\n", (long long)dropped);
    if (r->finish == TARN_FINISH_INTERRUPTED && !ferror(stdout)) fputs("(stopped)\n", stderr);
    if (r->finish == TARN_FINISH_LENGTH) fputs("(cut: --max-tokens or the end of the context)\n", stderr);
}

static bool ask(conversation *c, const char *message, tarn_generation *result) {
    tarn_generate_options o = cli_generation(c->values, 256);
    o.on_text = c->values->json ? NULL : print_piece;
    cli_interrupted = 0;
    cli_progress_begin("prompt");
    bool ok = tarn_chat_say_with(c->chat, message, result, o);
    cli_progress_end();
    cli_interrupted = 0;
    return ok;
}

static void say(conversation *c, const char *message) {
    tarn_generation result = {0};
    int64_t before = tarn_chat_dropped(c->chat);
    bool ok = ask(c, message, &result);
    int64_t dropped = tarn_chat_dropped(c->chat) - before;
    if (!c->values->json && (ok || result.text_length)) putchar('\n');
    if (ok && c->values->json) print_json(&result, dropped);
    fflush(stdout);
    if (ok) {
        print_remarks(&result, dropped);
    } else {
        c->failed = true;
        cli_failed();
        tarn_clear_error();
    }
    tarn_generation_free(&result);
}

/* ---- commands */

static void help(FILE *notes) {
    fputs("/reset  forget the conversation\n/help   this list\n/quit   leave (Ctrl-D too)\n"
          "Ctrl-C stops an answer. A backslash at the end of a line, or Alt-Enter, goes on in a new line.\n",
          notes);
}

static void reset(conversation *c) {
    tarn_chat_reset(c->chat);
    fputs("(forgotten)\n", c->notes);
}

static void refuse(conversation *c) {
    c->failed = true;
    cli_error("the message holds a NUL byte");
}

/* False to leave. */
static bool turn(conversation *c, const char *line, size_t length) {
    if (!strcmp(line, "/quit") || !strcmp(line, "/exit")) return false;
    if (strlen(line) != length)
        refuse(c);
    else if (!strcmp(line, "/help"))
        help(c->notes);
    else if (!strcmp(line, "/reset"))
        reset(c);
    else if (line[0] == '/')
        fprintf(c->notes, "unknown command %s; /help lists them\n", line);
    else if (line[strspn(line, " \t\n")])
        say(c, line);
    return !fflush(stdout) && !ferror(stdout);
}

/* ---- the conversation */

static void welcome(const conversation *c, const tarn_model *model) {
    tarn_model_facts f;
    if (!tarn_model_info(model, &f)) return;
    fprintf(c->notes, "%s: %s, %.3g million parameters, context of %lld tokens. /help lists commands, Ctrl-D leaves.\n",
            c->values->model, f.model_type, (double)f.parameters / 1e6, (long long)f.context);
}

static int converse(conversation *c, const tarn_model *model) {
    line_reader *reader = line_reader_open();
    if (!reader) return EXIT_FAILED;
    bool more = true, watched = line_reader_at_terminal(reader);
    if (watched) welcome(c, model);
    while (more) {
        size_t length = 0;
        char *line = line_reader_next(reader, &length);
        if (!line && watched) fputc('\n', c->notes);
        more = line && turn(c, line, length);
        free(line);
    }
    bool failed = line_reader_failed(reader) || (c->failed && !watched);
    line_reader_close(reader);
    return failed ? EXIT_FAILED : 0;
}

static int run(const cli_values *v) {
    if (!v->model) return cli_misuse(chat_command.name, "a model folder is missing (--model)");
    if (!cli_check_generation(chat_command.name, v)) return EXIT_USAGE;
    tarn_model *model = cli_load(v, false);
    conversation c = {v, NULL, v->json ? stderr : stdout, false};
    if (model)
        c.chat = tarn_chat_new(model, .system = v->system_prompt, .session.fast_cache = !v->exact_cache,
                               .drop_oldest = true);
    int status = c.chat ? 0 : cli_failed();
    cli_catch_interrupt();
    if (c.chat) status = converse(&c, model);
    tarn_chat_free(c.chat);
    tarn_model_free(model);
    return status;
}

const cli_command chat_command = {
    "chat", "talk with a model", "FOLDER [options]", FIELD(model), options, (int)(sizeof options / sizeof *options),
    run};
