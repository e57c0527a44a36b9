/* The command line: finds the command, reads its options, runs it. Exit status: 0, 1 for a failure, 2 for wrong usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const cli_command *const commands[] = {&generate_command, &chat_command,       &score_command,
                                              &tokenize_command, &detokenize_command, &template_command,
                                              &info_command,     &doctor_command,     &bench_command};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void overview(FILE *stream) {
    fputs("tarn: arrays and language models\n\nusage: tarn COMMAND [options]\n\n", stream);
    for (int i = 0; i < COMMANDS; i++) fprintf(stream, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\ntarn help COMMAND shows a command's options; tarn --version the version.\n", stream);
}

/* A file opened later must not become a standard stream that came closed: its text would be read as a prompt. What
   takes the place cannot be read (or written), so that using it is the error it was. */
static bool hold_standard_streams(void) {
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
        if (fcntl(i, F_GETFD) < 0 && open("/dev/null", i == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return false;
    return true;
}

static const cli_command *find_command(const char *name) {
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(name, commands[i]->name)) return commands[i];
    return NULL;
}

static int unknown_command(const char *name) {
    const char *nearest = NULL;
    size_t best = ALMOST;
    for (int i = 0; i < COMMANDS; i++) {
        size_t distance = cli_distance(name, commands[i]->name);
        if (distance < best) best = distance, nearest = commands[i]->name;
    }
    if (nearest)
        cli_error("unknown command \"%s\"; is %s meant? (see tarn --help)", name, nearest);
    else
        cli_error("unknown command \"%s\" (see tarn --help)", name);
    return EXIT_USAGE;
}

static int run_command(const char *name, int count, char **words) {
    const cli_command *command = find_command(name);
    cli_values values = {0};
    if (!command) return unknown_command(name);
    if (!cli_parse(command, count, words, &values)) return EXIT_USAGE;
    return values.help ? cli_help(command), 0 : command->run(&values);
}

static bool asks_help(const char *name) {
    return !strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help");
}

static int run(int count, char **words) {
    if (count < 2) return overview(stderr), EXIT_USAGE;
    const char *name = words[1];
    if (!strcmp(name, "--version")) return puts("tarn " TARN_VERSION), 0;
    if (!asks_help(name)) return run_command(name, count - 2, words + 2);
    return count > 2 ? run_command(words[2], 1, (char *[]){"--help"}) : (overview(stdout), 0);
}

int main(int count, char **words) {
    if (!hold_standard_streams()) return EXIT_FAILED;
    int status = run(count, words);
    if ((fflush(stdout) || ferror(stdout)) && !status) return cli_error("standard output: %s", strerror(errno));
    return status;
}
