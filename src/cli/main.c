/* The command line: finds the command, reads its options, runs it. Exit status: 0, 1 for a failure, 2 for wrong usage. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const cli_command *const commands[] = {&generate_command, &chat_command, &score_command,  &tokenize_command, &detokenize_command,
                                              &template_command, &info_command, &doctor_command, &bench_command};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void overview(FILE *stream) {
    fputs("tarn: arrays and language models\n\nusage: tarn COMMAND [options]\n\n", stream);
    for (int i = 0; i < COMMANDS; i++) fprintf(stream, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\ntarn COMMAND --help shows a command's options; tarn --version the version.\n", stream);
}

/* A file opened later must not become a standard stream that came closed: its text would be read as a prompt. What takes the place cannot
   be read (or written), so that using it is the error it was. */
static bool hold_standard_streams(void) {
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
        if (fcntl(i, F_GETFD) < 0 && open("/dev/null", i == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return false;
    return true;
}

static int run(int count, char **words) {
    const char *name = count > 1 ? words[1] : "";
    cli_values values = {0};
    if (!strcmp(name, "--version")) return puts("tarn " TARN_VERSION), 0;
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) return overview(stdout), 0;
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i]->name)) continue;
        if (!cli_parse(commands[i], count - 2, words + 2, &values)) return EXIT_USAGE;
        return values.help ? cli_help(commands[i]), 0 : commands[i]->run(&values);
    }
    if (*name) cli_error("unknown command \"%s\" (see tarn --help)", name);
    if (!*name) overview(stderr);
    return EXIT_USAGE;
}

int main(int count, char **words) {
    if (!hold_standard_streams()) return EXIT_FAILED;
    int status = run(count, words);
    if ((fflush(stdout) || ferror(stdout)) && !status) return cli_error("standard output: %s", strerror(errno));
    return status;
}
