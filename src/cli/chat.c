/* tarn chat: a conversation at the terminal. Ctrl-C stops an answer and keeps the conversation. */
#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const cli_option options[] = {
    {"--model", NULL, OPTION_TEXT, FIELD(model), "DIR", "Model folder"},
    {"--system-prompt", NULL, OPTION_TEXT, FIELD(system_prompt), "TEXT", "A system message before the conversation"},
    {"--max-tokens", "-m", OPTION_INTEGER, FIELD(max_tokens), "N", "At most so many tokens an answer (256)"},
    {"--temp", NULL, OPTION_NUMBER, FIELD(temperature), "T",
     "Temperature; 0 takes the most likely token, whatever --top-p, --top-k and --min-p say (0)"},
    {"--top-p", NULL, OPTION_NUMBER, FIELD(top_p), "P", "Keep the likeliest tokens that have this mass together (1: off)"},
    {"--top-k", NULL, OPTION_INTEGER, FIELD(top_k), "K", "Keep the K likeliest tokens (0: off)"},
    {"--min-p", NULL, OPTION_NUMBER, FIELD(min_p), "P", "Keep tokens at least P times as likely as the best (0: off)"},
    {"--seed", NULL, OPTION_INTEGER, FIELD(seed), "N", "Seed of the random numbers (from the clock)"},
    {"--dtype", NULL, OPTION_TEXT, FIELD(dtype), "NAME", "float32, bfloat16 or float16 (as in the file)"},
    {"--fast-cache", NULL, OPTION_FLAG, FIELD(fast_cache), NULL, "Keep answers in the cache as they were generated: last bits may differ"},
};

/* ---- lines: with history at a terminal, plain otherwise */

typedef struct {
    EditLine *editor;
    History *history;
    char *buffer;
    size_t capacity;
    bool failed; /* after a message */
} line_reader;

static char *prompt_string(EditLine *editor) {
    static char prompt[] = ">> ";
    (void)editor;
    return prompt;
}

static void open_reader(line_reader *r) {
    HistEvent event;
    if (!isatty(STDIN_FILENO)) return;
    /* The editor drops what its locale does not know; chats are UTF-8 whatever the locale says. */
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1) setlocale(LC_CTYPE, "C.UTF-8");
    r->editor = el_init("tarn", stdin, stdout, stderr);
    r->history = history_init();
    if (!r->editor || !r->history) return;
    history(r->history, &event, H_SETSIZE, 1000);
    el_set(r->editor, EL_PROMPT, prompt_string);
    el_set(r->editor, EL_EDITOR, "emacs");
    el_set(r->editor, EL_HIST, history, r->history);
}

static void close_reader(line_reader *r) {
    if (r->editor) el_end(r->editor);
    if (r->history) history_end(r->history);
    free(r->buffer);
}

/* The next line and its length; NULL at the end of input, or with errno set. */
static const char *next_line(line_reader *r, size_t *length) {
    int edited = 0;
    errno = 0;
    if (r->editor) {
        const char *line = el_gets(r->editor, &edited);
        *length = line ? (size_t)edited : 0;
        return line;
    }
    ssize_t n = getline(&r->buffer, &r->capacity, stdin);
    *length = n < 0 ? 0 : (size_t)n;
    return n < 0 ? NULL : r->buffer;
}

static char *fail_reading(line_reader *r, const char *why) {
    r->failed = true;
    return cli_error("standard input: %s", why), NULL;
}

/* A copy without what ends the line. */
static char *copy_line(line_reader *r, const char *line, size_t length, size_t *trimmed) {
    HistEvent event;
    if (r->history && length > 1) history(r->history, &event, H_ENTER, line);
    while (length && (line[length - 1] == '\n' || line[length - 1] == '\r')) length--;
    char *copy = malloc(length + 1);
    if (!copy) return fail_reading(r, "out of memory");
    memcpy(copy, line, length);
    copy[length] = 0;
    *trimmed = length;
    return copy;
}

/* The next line; NULL at the end of input or after a message. Ctrl-C at the prompt starts a new line. */
static char *read_line(line_reader *r, size_t *length) {
    for (;;) {
        size_t whole;
        const char *line = next_line(r, &whole);
        if (line) return copy_line(r, line, whole, length);
        if (errno != EINTR && !cli_interrupted) return errno ? fail_reading(r, strerror(errno)) : NULL;
        cli_interrupted = 0;
        clearerr(stdin);
        putchar('\n');
    }
}

/* ---- turns */

static bool print_piece(void *context, const char *text, size_t length) {
    (void)context;
    return fwrite(text, 1, length, stdout) == length && !fflush(stdout);
}

static void say(tarn_chat *chat, const cli_values *v, const char *message) {
    tarn_generate_options o = {
        .temperature = v->temperature.value,
        .top_p = v->top_p.value,
        .min_p = v->min_p.value,
        .top_k = v->top_k.value,
        .seed = {v->seed.given, (uint64_t)v->seed.value},
        .max_tokens = TARN_VALUE(v->max_tokens.given ? (double)v->max_tokens.value : 256),
        .on_text = print_piece,
        .interrupt = &cli_interrupted,
    };
    tarn_generation result = {0};
    cli_interrupted = 0;
    bool ok = tarn_chat_say_with(chat, message, &result, o);
    putchar('\n');
    if (ok && result.finish == TARN_FINISH_INTERRUPTED) puts("(stopped)");
    if (ok && result.finish == TARN_FINISH_LENGTH) puts("(cut: --max-tokens or the end of the context)");
    cli_interrupted = 0;
    fflush(stdout);
    if (!ok) {
        cli_failed();
        tarn_clear_error();
    }
    tarn_generation_free(&result);
}

static void help(void) {
    puts("/reset  forget the conversation\n/help   this list\n/quit   leave (Ctrl-D too)\nCtrl-C stops an answer.");
}

/* False to leave. */
static bool turn(tarn_chat *chat, const cli_values *v, const char *line, size_t length) {
    if (!strcmp(line, "/quit") || !strcmp(line, "/exit")) return false;
    if (strlen(line) != length)
        cli_error("the message holds a NUL byte");
    else if (!strcmp(line, "/help"))
        help();
    else if (!strcmp(line, "/reset"))
        puts(tarn_chat_reset(chat) ? "(forgotten)" : "");
    else if (line[0] == '/')
        printf("unknown command %s; /help lists them\n", line);
    else if (line[strspn(line, " \t")])
        say(chat, v, line);
    return !fflush(stdout) && !ferror(stdout);
}

static int converse(tarn_chat *chat, const cli_values *v) {
    line_reader reader = {0};
    bool more = true;
    open_reader(&reader);
    while (more) {
        size_t length = 0;
        char *line = read_line(&reader, &length);
        more = line && turn(chat, v, line, length);
        free(line);
    }
    close_reader(&reader);
    return reader.failed ? EXIT_FAILED : 0;
}

static int run(const cli_values *v) {
    if (!v->model) return cli_misuse(chat_command.name, "--model is missing");
    if (!cli_check_generation(chat_command.name, v)) return EXIT_USAGE;
    tarn_model *model = cli_load(v, false);
    tarn_chat *chat = model ? tarn_chat_new(model, .system = v->system_prompt, .session.fast_cache = v->fast_cache) : NULL;
    int status = chat ? 0 : cli_failed();
    if (v->fast_cache) fputs("tarn: answers stay in the cache as generated; results may differ in the last bits\n", stderr);
    cli_catch_interrupt();
    if (chat) status = converse(chat, v);
    tarn_chat_free(chat);
    tarn_model_free(model);
    return status;
}

const cli_command chat_command = {
    "chat", "talk with a model", "--model DIR [options]", NULL, options, (int)(sizeof options / sizeof *options), run};
