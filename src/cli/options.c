/* Reading a command's words by its table, and printing its help from the same table. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const cli_option help_option = {"--help", "-h", OPTION_FLAG, FIELD(help), NULL, "Show this help"};

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Levenshtein, over words cut at 63 bytes. */
size_t cli_distance(const char *a, const char *b) {
    size_t row[64], n = smaller(strlen(b), 63);
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 0; a[i] && i < 63; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t replaced = corner + (a[i] != b[j]);
            corner = row[j + 1];
            row[j + 1] = smaller(replaced, smaller(corner, row[j]) + 1);
        }
    }
    return row[n];
}

static const cli_option *find_option(const cli_command *command, const char *word, size_t length) {
    for (int i = 0; i <= command->option_count; i++) {
        const cli_option *o = i < command->option_count ? &command->options[i] : &help_option;
        if (strlen(o->name) == length && !strncmp(o->name, word, length)) return o;
        if (o->letter && strlen(o->letter) == length && !strncmp(o->letter, word, length)) return o;
    }
    return NULL;
}

/* Digits, or another way to write a whole number, such as 1e3. */
static bool parse_integer(const char *word, long long *n) {
    char *end;
    errno = 0;
    *n = strtoll(word, &end, 10);
    if (!errno && end != word && !*end) return true;
    if (errno || strspn(word, "+-.0123456789eE") != strlen(word)) return false;
    double x = strtod(word, &end);
    bool whole = end != word && !*end && x == floor(x) && fabs(x) <= 0x1p53;
    if (whole) *n = (long long)x;
    return whole;
}

static bool store_integer(const cli_command *command, const cli_option *o, const char *word, given_integer *out) {
    long long n;
    if (!parse_integer(word, &n))
        return cli_misuse(command->name, "%s needs an integer, not \"%s\"", o->name, word), false;
    *out = (given_integer){true, n};
    return true;
}

static bool store_number(const cli_command *command, const cli_option *o, const char *word, given_number *out) {
    char *end;
    double x = strtod(word, &end);
    if (end == word || *end || !isfinite(x))
        return cli_misuse(command->name, "%s needs a number, not \"%s\"", o->name, word), false;
    *out = (given_number){true, x};
    return true;
}

static bool store_item(const cli_command *command, const cli_option *o, const char *word, given_list *list) {
    if (list->count == (int)(sizeof list->items / sizeof *list->items))
        return cli_misuse(command->name, "%s may be given %d times at most", o->name, list->count), false;
    list->items[list->count++] = word;
    return true;
}

static bool store(const cli_command *command, const cli_option *o, const char *word, cli_values *values) {
    void *member = (char *)values + o->offset;
    switch (o->kind) {
    case OPTION_FLAG:
        return *(bool *)member = true;
    case OPTION_TEXT:
        return *(const char **)member = word, true;
    case OPTION_LIST:
        return store_item(command, o, word, member);
    case OPTION_INTEGER:
        return store_integer(command, o, word, member);
    case OPTION_NUMBER:
        return store_number(command, o, word, member);
    }
    return false;
}

static bool take_positional(const cli_command *command, const char *word, cli_values *values) {
    const char **member =
        command->positional == NO_WORD ? NULL : (const char **)(void *)((char *)values + command->positional);
    if (!member || *member)
        return cli_misuse(command->name, "unexpected argument \"%s\": the name of its option must stand before it",
                          word),
               false;
    *member = word;
    return true;
}

static bool unknown_option(const cli_command *command, const char *word) {
    const char *nearest = NULL;
    size_t best = ALMOST;
    for (int i = 0; i < command->option_count; i++) {
        size_t distance = cli_distance(word, command->options[i].name);
        if (distance < best) best = distance, nearest = command->options[i].name;
    }
    if (nearest) return cli_misuse(command->name, "unknown option %s; is %s meant?", word, nearest), false;
    return cli_misuse(command->name, "unknown option %s", word), false;
}

/* A value may be a separate word or follow "=". */
bool cli_parse(const cli_command *command, int count, char **words, cli_values *values) {
    bool only_words = false;
    for (int i = 0; i < count; i++) {
        const char *word = words[i], *equals = strchr(word, '=');
        if (!only_words && !strcmp(word, "--")) {
            only_words = true;
            continue;
        }
        if (only_words || word[0] != '-' || !word[1]) {
            if (!take_positional(command, word, values)) return false;
            continue;
        }
        const cli_option *o = find_option(command, word, equals ? (size_t)(equals - word) : strlen(word));
        if (!o) return unknown_option(command, word);
        if (o->kind == OPTION_FLAG && equals) return cli_misuse(command->name, "%s takes no value", o->name), false;
        const char *value = equals ? equals + 1 : NULL;
        if (o->kind != OPTION_FLAG && !value && ++i == count)
            return cli_misuse(command->name, "%s needs a value", o->name), false;
        if (!store(command, o, value ? value : words[i], values)) return false;
    }
    return true;
}

static void print_option(const cli_option *o) {
    char left[64];
    snprintf(left, sizeof left, "%s%s%s%s%s", o->letter ? o->letter : "", o->letter ? ", " : "", o->name,
             o->value ? " " : "", o->value ? o->value : "");
    printf("  %-28s %s\n", left, o->help);
}

void cli_help(const cli_command *command) {
    printf("tarn %s: %s\n\nusage: tarn %s %s\n\n", command->name, command->summary, command->name, command->usage);
    for (int i = 0; i < command->option_count; i++) print_option(&command->options[i]);
    print_option(&help_option);
}
