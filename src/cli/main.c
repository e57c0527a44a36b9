/* The command line: finds the command, reads its options, runs it. Exit status: 0, 1 for a failure, 2 for wrong usage. */
#include <string.h>

#include "cli.h"

static const cli_command *const commands[] = {&generate_command, &chat_command, &score_command,  &tokenize_command, &detokenize_command,
                                              &template_command, &info_command, &doctor_command, &bench_command};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void overview(FILE *stream) {
    fputs("tarn: arrays and language models\n\nusage: tarn COMMAND [options]\n\n", stream);
    for (int i = 0; i < COMMANDS; i++) fprintf(stream, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\ntarn COMMAND --help shows a command's options; tarn --version the version.\n", stream);
}

int main(int count, char **words) {
    const char *name = count > 1 ? words[1] : "";
    cli_values values = {0};
    if (!strcmp(name, "--version")) return puts("tarn " TARN_VERSION) < 0;
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) return overview(stdout), 0;
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i]->name)) continue;
        if (!cli_parse(commands[i], count - 2, words + 2, &values)) return EXIT_USAGE;
        return values.help ? cli_help(commands[i]), 0 : commands[i]->run(&values);
    }
    if (*name) fprintf(stderr, "tarn: unknown command \"%s\" (see tarn --help)\n", name);
    if (!*name) overview(stderr);
    return EXIT_USAGE;
}
