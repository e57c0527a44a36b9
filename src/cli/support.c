/* Messages, input and output of the commands. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* ---- messages */

/* A message stays on one line, whatever names from files it holds: control characters are written as escapes, and none
   reaches the terminal. */
static void put_text(const char *message) {
    for (const unsigned char *s = (const unsigned char *)message; *s; s++)
        if (*s < 0x20 || *s == 0x7f)
            fprintf(stderr, "\\x%02x", *s);
        else
            fputc(*s, stderr);
}

__attribute__((format(printf, 1, 0))) static void put_format(const char *format, va_list arguments) {
    char *message = NULL;
    if (vasprintf(&message, format, arguments) < 0) message = NULL;
    put_text(message ? message : "out of memory");
    free(message);
}

int cli_failed(void) {
    const char *message = tarn_error();
    fputs("tarn: ", stderr);
    put_text(message ? message : "failed for an unknown reason");
    fputc('\n', stderr);
    return EXIT_FAILED;
}

int cli_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("tarn: ", stderr);
    put_format(format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return EXIT_FAILED;
}

int cli_misuse(const char *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "tarn %s: ", command);
    put_format(format, arguments);
    fprintf(stderr, " (see tarn %s --help)\n", command);
    va_end(arguments);
    return EXIT_USAGE;
}

/* ---- input */

static char *read_all(FILE *file, const char *path, size_t *length) {
    size_t capacity = 1 << 16, used = 0;
    char *bytes = malloc(capacity);
    while (bytes) {
        used += fread(bytes + used, 1, capacity - used - 1, file);
        if (used < capacity - 1) break;
        char *larger = realloc(bytes, capacity *= 2);
        if (!larger) free(bytes);
        bytes = larger;
    }
    if (!bytes || ferror(file)) {
        cli_error("%s: %s", path, bytes ? strerror(errno) : "out of memory");
        free(bytes);
        return NULL;
    }
    bytes[used] = 0;
    *length = used;
    return bytes;
}

const char *cli_path_name(const char *path) {
    return strcmp(path, "-") ? path : "standard input";
}

char *cli_read(const char *path, size_t *length) {
    if (!strcmp(path, "-")) return read_all(stdin, cli_path_name(path), length);
    FILE *file = fopen(path, "rb");
    if (!file) return cli_error("%s: %s", path, strerror(errno)), NULL;
    char *bytes = read_all(file, path, length);
    fclose(file);
    return bytes;
}

bool cli_no_nul(const char *text, size_t length, const char *what) {
    if (strlen(text) != length) cli_error("%s: a NUL byte at offset %zu", what, strlen(text));
    return strlen(text) == length;
}

/* The ids at *at, up to the end of the text or a closing bracket; false at what is none, where *at then is. */
static bool read_ids(const char **at, int32_t *list, size_t *n) {
    while (*(*at += strspn(*at, " \t\r\n,")) && **at != ']') {
        char *end;
        errno = 0;
        long long id = strtoll(*at, &end, 10);
        if (end == *at || (*end && !strchr(" \t\r\n,]", *end)) || errno || id < 0 || id > INT32_MAX) return false;
        list[(*n)++] = (int32_t)id;
        *at = end;
    }
    return true;
}

bool cli_parse_ids(const char *text, size_t length, const char *what, int32_t **ids, size_t *count) {
    if (!cli_no_nul(text, length, what)) return false;
    int32_t *list = malloc((strlen(text) / 2 + 1) * sizeof *list);
    if (!list) return cli_error("out of memory"), false;
    const char *at = text + strspn(text, " \t\r\n");
    bool bracket = *at == '[';
    at += bracket;
    *ids = list;
    *count = 0;
    if (read_ids(&at, list, count) && (*at == ']') == bracket && !at[bracket + strspn(at + bracket, " \t\r\n")])
        return true;
    cli_error("%s: \"%.16s\" is no token id", what, at);
    free(list);
    *ids = NULL;
    return false;
}

bool cli_dtype(const char *name, tarn_dtype *dtype) {
    *dtype = TARN_BOOL;
    if (!name) return true;
    bool known = tarn_dtype_from_name(name, dtype) &&
                 (*dtype == TARN_FLOAT32 || *dtype == TARN_BFLOAT16 || *dtype == TARN_FLOAT16);
    if (!known) tarn_clear_error();
    return known;
}

bool cli_device(const char *name, tarn_device *device) {
    *device = (tarn_device){TARN_CPU, 0};
    if (!name || !strcmp(name, "cpu")) return true;
    if (strncmp(name, "gpu", 3)) return false;
    device->type = TARN_CUDA;
    if (!name[3]) return true;
    size_t digits = strspn(name + 4, "0123456789");
    if (name[3] != ':' || digits == 0 || digits > 4 || name[4 + digits]) return false;
    device->index = atoi(name + 4);
    return true;
}

bool cli_check_names(const char *command, const cli_values *values) {
    tarn_dtype dtype;
    tarn_device device;
    if (!cli_dtype(values->dtype, &dtype))
        return cli_misuse(command, "--dtype must be float32, bfloat16 or float16"), false;
    if (!cli_device(values->device, &device)) return cli_misuse(command, "--device must be cpu, gpu or gpu:N"), false;
    return true;
}

bool cli_use_device(const cli_values *values) {
    tarn_device device;
    return cli_device(values->device, &device) && tarn_set_default_device(device);
}

tarn_model *cli_load(const cli_values *values, bool no_tokenizer) {
    tarn_dtype dtype = TARN_BOOL;
    cli_dtype(values->dtype, &dtype);
    if (!cli_use_device(values)) return NULL;
    return tarn_model_load(values->model, .dtype = dtype, .no_tokenizer = no_tokenizer);
}

/* ---- output */

bool cli_open(cli_output *out) {
    *out = (cli_output){0};
    out->stream = open_memstream(&out->bytes, &out->length);
    if (!out->stream) cli_error("out of memory");
    return out->stream != NULL;
}

int cli_close(cli_output *out, int status) {
    bool ok = !fclose(out->stream);
    if (!status && ok) ok = fwrite(out->bytes, 1, out->length, stdout) == out->length && !fflush(stdout);
    free(out->bytes);
    if (!status && !ok) return cli_error("standard output: %s", strerror(errno));
    return status;
}

void json_text(FILE *stream, const char *s, size_t length) {
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    fputc('"', stream);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)s[i];
        const char *found = c ? strchr(plain, c) : NULL;
        if (found)
            fprintf(stream, "\\%c", letters[found - plain]);
        else if (c < 0x20 || c == 0x7f)
            fprintf(stream, "\\u%04x", c);
        else
            fputc(c, stream);
    }
    fputc('"', stream);
}

void json_key(cli_output *out, const char *key) {
    fputs(out->items++ ? ", " : "{", out->stream);
    json_text(out->stream, key, strlen(key));
    fputs(": ", out->stream);
}

void json_field_text(cli_output *out, const char *key, const char *value) {
    json_key(out, key);
    if (value)
        json_text(out->stream, value, strlen(value));
    else
        fputs("null", out->stream);
}

void json_field_integer(cli_output *out, const char *key, int64_t value) {
    json_key(out, key);
    fprintf(out->stream, "%lld", (long long)value);
}

void json_field_number(cli_output *out, const char *key, double value) {
    json_key(out, key);
    if (isfinite(value))
        fprintf(out->stream, "%.9g", value);
    else
        fputs("null", out->stream);
}

void json_ids(FILE *stream, const int32_t *ids, size_t count) {
    fputc('[', stream);
    for (size_t i = 0; i < count; i++) fprintf(stream, "%s%d", i ? ", " : "", ids[i]);
    fputc(']', stream);
}

void json_field_ids(cli_output *out, const char *key, const int32_t *ids, size_t count) {
    json_key(out, key);
    json_ids(out->stream, ids, count);
}

/* ---- Ctrl-C */

volatile sig_atomic_t cli_interrupted;

int cli_signals = -1;
static int signals_in = -1;

void cli_signal_came(void) {
    int before = errno;
    ssize_t written = write(signals_in, "", 1); /* a full pipe wakes as well */
    (void)written;
    errno = before;
}

static void on_interrupt(int number) {
    (void)number;
    cli_interrupted = 1;
    cli_signal_came();
}

static void open_pipe(void) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) return;
    cli_signals = ends[0];
    signals_in = ends[1];
}

void cli_catch_interrupt(void) {
    open_pipe();
    struct sigaction action = {.sa_handler = on_interrupt}; /* no SA_RESTART: a read at the prompt ends */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}
