/* What the commands share: a table-driven reader of options, input and output. The command line sees the public API
 * only. */
#ifndef CLI_H
#define CLI_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tarn/lm.h"
#include "tarn/tarn.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

/* ---- options: one struct holds those of all commands; a command's table says which it takes */
typedef struct {
    bool given;
    int64_t value;
} given_integer;
typedef struct {
    bool given;
    double value;
} given_number;
typedef struct {
    const char *items[16];
    int count;
} given_list;

typedef struct {
    const char *model, *prompt, *prompt_ids, *system_prompt, *dtype, *device, *text, *file, *messages, *vars, *random,
        *positional;
    given_integer max_tokens, top_k, seed, bits, prompt_length, generation_length, batch, context, stride;
    given_number temperature, top_p, min_p, repetition_penalty, presence_penalty, frequency_penalty;
    given_list stop;
    bool json, ids, ignore_chat_template, no_escapes, add_generation_prompt, no_special_tokens, skip_special_tokens,
        exact_cache, kernels, help;
} cli_values;

typedef enum { OPTION_FLAG, OPTION_TEXT, OPTION_LIST, OPTION_INTEGER, OPTION_NUMBER } option_kind;
typedef struct {
    const char *name;   /* "--model" */
    const char *letter; /* "-m" or NULL */
    option_kind kind;
    size_t offset;     /* in cli_values */
    const char *value; /* how help calls the value; NULL for flags */
    const char *help;
} cli_option;

typedef struct {
    const char *name, *summary, *usage;
    size_t positional; /* in cli_values: where a word that is no option goes; NO_WORD: nowhere */
    const cli_option *options;
    int option_count;
    int (*run)(const cli_values *values);
} cli_command;

#define FIELD(member) offsetof(cli_values, member)
#define NO_WORD       SIZE_MAX

/* The rows that several commands' tables share. */
#define MODEL_OPTION                                                                                                   \
    { "--model", NULL, OPTION_TEXT, FIELD(model), "FOLDER", "Model folder; the option's name may be left out" }
#define DTYPE_OPTION                                                                                                   \
    { "--dtype", NULL, OPTION_TEXT, FIELD(dtype), "NAME", "float32, bfloat16 or float16 (as in the file)" }
#define DEVICE_OPTION                                                                                                  \
    { "--device", NULL, OPTION_TEXT, FIELD(device), "NAME", "cpu, gpu, or gpu:N for the N-th of several (cpu)" }
#define DRAWING_OPTIONS                                                                                                \
    {"--temp",      NULL,                                                                                              \
     OPTION_NUMBER, FIELD(temperature),                                                                                \
     "T",           "Temperature; 0 takes the most likely token, whatever --top-p, --top-k and --min-p say (0)"},      \
        {"--top-p",    NULL, OPTION_NUMBER,                                                                            \
         FIELD(top_p), "P",  "Keep the likeliest tokens that have this mass together (1: off)"},                       \
        {"--top-k", NULL, OPTION_INTEGER, FIELD(top_k), "K", "Keep the K likeliest tokens (0: off)"},                  \
        {"--min-p",    NULL, OPTION_NUMBER,                                                                            \
         FIELD(min_p), "P",  "Keep tokens at least P times as likely as the best (0: off)"},                           \
        {"--repetition-penalty",    NULL, OPTION_NUMBER,                                                               \
         FIELD(repetition_penalty), "P",  "Make recent tokens less likely (0: off)"},                                  \
        {"--presence-penalty",    NULL, OPTION_NUMBER,                                                                 \
         FIELD(presence_penalty), "P",  "Take P off the logits of recent tokens (0: off)"},                            \
        {"--frequency-penalty",    NULL, OPTION_NUMBER,                                                                \
         FIELD(frequency_penalty), "P",  "The same for each occurrence (0: off)"},                                     \
    {                                                                                                                  \
        "--seed", NULL, OPTION_INTEGER, FIELD(seed), "N", "Seed of the random numbers (from the clock)"                \
    }
#define SAMPLING_OPTIONS                                                                                               \
    DRAWING_OPTIONS,                                                                                                   \
        {"--stop", NULL, OPTION_LIST, FIELD(stop), "TEXT", "End before this text; may be given several times"},        \
        DTYPE_OPTION, DEVICE_OPTION

/* False, after a message on stderr, for what the command does not take. */
bool cli_parse(const cli_command *command, int count, char **words, cli_values *values);
void cli_help(const cli_command *command);
/* How many letters must be added, taken away or replaced to turn one word into the other. */
size_t cli_distance(const char *a, const char *b);
enum { ALMOST = 3 }; /* a distance below this may be a slip */

extern const cli_command generate_command, chat_command, score_command, tokenize_command, detokenize_command,
    template_command, info_command, doctor_command, bench_command;

/* ---- messages: both print "tarn: …" to stderr */
int cli_failed(void); /* the library's error; returns EXIT_FAILED */
int cli_error(const char *format, ...) __attribute__((format(printf, 1, 2))); /* returns EXIT_FAILED */
int cli_misuse(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* returns EXIT_USAGE */

/* ---- input: results are released with free(); NULL after a message */
char *cli_read(const char *path, size_t *length); /* "-": standard input; ended by a NUL */
const char *cli_path_name(const char *path);      /* as messages call it: "-" is "standard input" */
/* False, after a message, if the text that messages call `what` holds a NUL byte. */
bool cli_no_nul(const char *text, size_t length, const char *what);
/* Ids separated by spaces, commas or newlines, in [brackets] or not. */
bool cli_parse_ids(const char *text, size_t length, const char *what, int32_t **ids, size_t *count);
/* Without a name TARN_BOOL, which means: as it is. */
bool cli_dtype(const char *name, tarn_dtype *dtype);
/* Without a name the CPU. */
bool cli_device(const char *name, tarn_device *device);
/* False, after a message, if a name given to --dtype or --device is none. */
bool cli_check_names(const char *command, const cli_values *values);
/* Makes the device that was asked for the default; false with the library's error if it is not there. */
bool cli_use_device(const cli_values *values);
/* The GPUs of this machine, a line each; nothing where there is none. width: of what stands before. */
void cli_print_gpus(FILE *out, int width);
tarn_model *cli_load(const cli_values *values, bool no_tokenizer);

/* ---- output: written whole at the end, so that an error leaves nothing half written */
typedef struct {
    FILE *stream;
    char *bytes;
    size_t length;
    int items; /* in the innermost object so far */
} cli_output;
bool cli_open(cli_output *out);
int cli_close(cli_output *out, int status); /* prints it if status is 0 */
void json_text(FILE *stream, const char *s, size_t length);
void json_key(cli_output *out, const char *key);
void json_field_text(cli_output *out, const char *key, const char *value); /* NULL: null */
void json_field_integer(cli_output *out, const char *key, int64_t value);
void json_field_number(cli_output *out, const char *key, double value);
void json_field_gpus(cli_output *out); /* "gpus", where there is one */
void json_field_ids(cli_output *out, const char *key, const int32_t *ids, size_t count);
void json_ids(FILE *stream, const int32_t *ids, size_t count);

/* ---- generating (generation.c) */

/* What generating commands take; false, after a message, for what no model would take. */
bool cli_check_generation(const char *command, const cli_values *values);
tarn_generate_options cli_generation(const cli_values *values, int64_t usual_tokens);
/* Fields of an open JSON object: tokens, text, finish_reason and figures. */
void json_generation(cli_output *out, const tarn_generation *result);

/* ---- progress of prompts (progress.c): a line on stderr, if that is a terminal, for work that takes longer than a
 * second */
void cli_progress_begin(const char *what);
void cli_progress(void *unused, int64_t computed, int64_t all); /* an .on_prompt callback */
void cli_progress_end(void);                                    /* takes the line away; may be called again */

/* Set by Ctrl-C from cli_catch_interrupt on. */
extern volatile sig_atomic_t cli_interrupted;
void cli_catch_interrupt(void);
/* Readable once a signal came, in whichever thread; from cli_catch_interrupt on. */
extern int cli_signals;
void cli_signal_came(void); /* for signal handlers */

#endif
