/* Lines by libedit. A line may hold newlines: pasted ones (terminals put marks around what is pasted), those of
   Alt-Enter, and those after a backslash at the end of a line. */
#include "line_reader.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

struct line_reader {
    EditLine *editor; /* NULL: plain lines */
    History *history;
    char *buffer; /* of plain lines */
    size_t capacity;
    bool marks_pastes, failed;
};

#define PASTE_BEGIN "\033[200~"
#define PASTE_END   L"\033[201~"
static const char marks_on[] = "\033[?2004h", marks_off[] = "\033[?2004l";

/* ---- the editor */

static bool continuing;

static char *prompt_string(EditLine *editor) {
    static char first[] = ">> ", further[] = ".. ";
    (void)editor;
    return continuing ? further : first;
}

static unsigned char insert_newline(EditLine *editor, int key) {
    (void)key;
    return el_winsertstr(editor, L"\n") < 0 ? CC_ERROR : CC_REFRESH;
}

/* Everything up to the mark behind what was pasted; terminals send a carriage return for a newline. */
static unsigned char insert_paste(EditLine *editor, int key) {
    size_t matched = 0;
    wchar_t c, piece[] = {0, 0};
    (void)key;
    while (matched < wcslen(PASTE_END) && el_wgetc(editor, &c) == 1) {
        matched = c == PASTE_END[matched] ? matched + 1 : c == PASTE_END[0];
        if (matched) continue; /* escapes in what is pasted are left out */
        piece[0] = c == L'\r' ? L'\n' : c;
        if (el_winsertstr(editor, piece) < 0) return CC_ERROR;
    }
    return CC_REFRESH;
}

static volatile sig_atomic_t continued; /* after a stop: the shell has changed the terminal meanwhile */

/* Waits for a key; false with errno set, also if a signal came just before. */
static bool wait_for_key(void) {
    struct pollfd inputs[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = cli_signals, .events = POLLIN}};
    char bytes[64];
    while (!cli_interrupted && !continued) {
        if (poll(inputs, 2, -1) < 0 && errno != EINTR) return false;
        if (inputs[0].revents) return true;
        if (inputs[1].revents && read(cli_signals, bytes, sizeof bytes) < 0) return false; /* old signals */
    }
    errno = EINTR;
    return false;
}

/* What the editor reads with: a character of UTF-8; bytes that begin none are left out. */
static int read_key(EditLine *editor, wchar_t *key) {
    mbstate_t state = {0};
    char byte;
    (void)editor;
    while (wait_for_key()) {
        ssize_t n = read(STDIN_FILENO, &byte, 1);
        if (n <= 0) return (int)n;
        size_t length = mbrtowc(key, &byte, 1, &state);
        if (length == (size_t)-1) state = (mbstate_t){0};
        if (length <= 1) return 1;
    }
    return -1;
}

static void set_up_editor(line_reader *r) {
    HistEvent event;
    const char *terminal = getenv("TERM");
    history(r->history, &event, H_SETSIZE, 1000);
    el_set(r->editor, EL_GETCFN, read_key);
    el_set(r->editor, EL_PROMPT, prompt_string);
    el_set(r->editor, EL_EDITOR, "emacs");
    el_set(r->editor, EL_HIST, history, r->history);
    /* el_set would make wide copies of these words that nothing frees. */
    el_wset(r->editor, EL_ADDFN, L"tarn-newline", L"Insert a newline", insert_newline);
    el_wset(r->editor, EL_ADDFN, L"tarn-paste", L"Insert pasted text", insert_paste);
    el_set(r->editor, EL_BIND, "\\e\\r", "tarn-newline", NULL);
    el_set(r->editor, EL_BIND, "\\e\\n", "tarn-newline", NULL);
    el_set(r->editor, EL_BIND, PASTE_BEGIN, "tarn-paste", NULL);
    r->marks_pastes = terminal && strcmp(terminal, "dumb") && isatty(STDOUT_FILENO);
}

/* ---- Ctrl-Z and fg */

static void on_continue(int number) {
    (void)number;
    continued = 1;
    cli_signal_came();
}

static void catch_continue(void) {
    struct sigaction action = {.sa_handler = on_continue, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGCONT, &action, NULL);
}

/* What was typed so far is typed again into the new line. */
static void take_up_again(const line_reader *r) {
    const LineInfoW *line = el_wline(r->editor);
    size_t length = (size_t)(line->lastchar - line->buffer);
    wchar_t *typed = calloc(length + 1, sizeof *typed);
    continued = 0;
    if (!typed) return;
    wmemcpy(typed, line->buffer, length);
    putchar('\n');
    if (length) el_wpush(r->editor, typed);
    free(typed);
}

/* ---- opening and closing */

line_reader *line_reader_open(void) {
    line_reader *r = calloc(1, sizeof *r);
    if (!r) return cli_error("out of memory"), NULL;
    if (!isatty(STDIN_FILENO)) return r;
    /* The editor drops what its locale does not know; chats are UTF-8 whatever the locale says. */
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1) setlocale(LC_CTYPE, "C.UTF-8");
    r->editor = el_init("tarn", stdin, stdout, stderr);
    r->history = history_init();
    if (r->editor && r->history) set_up_editor(r);
    if (r->editor) catch_continue();
    return r;
}

void line_reader_close(line_reader *r) {
    if (!r) return;
    if (r->editor) el_end(r->editor);
    if (r->history) history_end(r->history);
    free(r->buffer);
    free(r);
}

bool line_reader_at_terminal(const line_reader *r) {
    return r->editor != NULL;
}

bool line_reader_failed(const line_reader *r) {
    return r->failed;
}

/* ---- lines */

static char *fail_reading(line_reader *r, const char *why) {
    r->failed = true;
    return cli_error("standard input: %s", why), NULL;
}

static const char *edited_line(line_reader *r, size_t *length) {
    int edited = 0;
    if (r->marks_pastes) fputs(marks_on, stdout);
    const char *line = el_gets(r->editor, &edited);
    int reason = errno;
    if (r->marks_pastes) fputs(marks_off, stdout);
    fflush(stdout);
    errno = reason;
    *length = line && edited > 0 ? (size_t)edited : 0;
    return edited > 0 ? line : NULL;
}

/* The next line and its length; NULL at the end of input, or with errno set. */
static const char *raw_line(line_reader *r, size_t *length) {
    errno = 0;
    if (r->editor) return edited_line(r, length);
    ssize_t n = getline(&r->buffer, &r->capacity, stdin);
    *length = n < 0 ? 0 : (size_t)n;
    return n < 0 ? NULL : r->buffer;
}

/* The next line, whatever signals come between; NULL at the end of input or after a message. */
static const char *next_line(line_reader *r, size_t *length) {
    for (;;) {
        const char *line = raw_line(r, length);
        if (line) return line;
        if (r->editor && continued && !cli_interrupted) {
            take_up_again(r);
            continue;
        }
        if (errno != EINTR && !cli_interrupted) return errno ? fail_reading(r, strerror(errno)) : NULL;
        cli_interrupted = 0;
        clearerr(stdin);
        puts(r->editor ? "\n(Ctrl-D or /quit leaves)" : "");
    }
}

/* ---- messages */

static bool continues(const char *line, size_t length) {
    size_t backslashes = 0;
    while (backslashes < length && line[length - 1 - backslashes] == '\\') backslashes++;
    return backslashes % 2 == 1;
}

/* Appends a line without what ends it. */
static bool append(line_reader *r, char **message, size_t *length, const char *line, size_t added) {
    while (added && (line[added - 1] == '\n' || line[added - 1] == '\r')) added--;
    char *longer = realloc(*message, *length + added + 1);
    if (!longer) return fail_reading(r, "out of memory"), false;
    memcpy(longer + *length, line, added);
    *message = longer;
    *length += added;
    longer[*length] = 0;
    return true;
}

/* A line; a backslash at its end becomes a newline, and *more tells that a further line belongs to the message. */
static bool add_line(line_reader *r, char **message, size_t *length, bool *more) {
    size_t whole;
    const char *line = next_line(r, &whole);
    if (!line || !append(r, message, length, line, whole)) return false;
    *more = continues(*message, *length);
    if (*more) (*message)[*length - 1] = '\n';
    return true;
}

char *line_reader_next(line_reader *r, size_t *length) {
    HistEvent event;
    char *message = NULL;
    bool more = true;
    *length = 0;
    while (more && add_line(r, &message, length, &more)) continuing = more;
    continuing = false;
    if (r->failed) free(message), message = NULL;
    if (message && r->history && *length) history(r->history, &event, H_ENTER, message);
    return message;
}
