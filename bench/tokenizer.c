/* How long a tokenizer takes to load: a made vocabulary of 248,320 tokens with all its merges, written as new files are
   (indented, a merge is a list of two strings) and as old ones are, or the folders given. The limit beside it is
   reading the file's bytes and adding them up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/files.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "tarn/tokenizer.h"

enum { TOKENS = 248320, LETTERS = 256, LONGEST = 24, RUNS = 9 };

typedef struct {
    char bytes[2 * LONGEST + 1];
    int left, right;
} token;

/* ---- the vocabulary */

static uint32_t draw(uint32_t limit) {
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)((state >> 33) % limit);
}

/* 256 letters of one and two bytes, then tokens out of two earlier ones, of which the first ones are taken most often.
 */
static token *make_tokens(void) {
    token *tokens = calloc(TOKENS, sizeof *tokens);
    map *taken = map_new();
    for (uint32_t i = 0; i < LETTERS; i++) utf8_encode(i < 26 ? 'a' + i : 0x100 + i, tokens[i].bytes);
    for (int i = LETTERS; i < TOKENS;) {
        token t = {.left = (int)draw(draw((uint32_t)i) + 1), .right = (int)draw(draw((uint32_t)i) + 1)};
        bool new = false;
        snprintf(t.bytes, sizeof t.bytes, "%.24s%.24s", tokens[t.left].bytes, tokens[t.right].bytes);
        if (strlen(t.bytes) > LONGEST) continue;
        map_set(taken, t.bytes, strlen(t.bytes), 1, &new);
        if (new) tokens[i++] = t;
    }
    map_free(taken);
    return tokens;
}

static void write_file(const char *path, const token *tokens, bool lists) {
    FILE *f = fopen(path, "w");
    const char *indent = lists ? "\n      " : "", *deeper = lists ? "\n        " : "";
    fprintf(f, "{\"version\": \"1.0\", \"added_tokens\": [], \"normalizer\": null, \"pre_tokenizer\": {\"type\": "
               "\"ByteLevel\", "
               "\"add_prefix_space\": false, "
               "\"trim_offsets\": true, \"use_regex\": true}, \"post_processor\": null, \"decoder\": {\"type\": "
               "\"ByteLevel\"}, \"model\": "
               "{\"type\": \"BPE\", \"vocab\": {");
    for (int i = 0; i < TOKENS; i++) fprintf(f, "%s%s\"%s\": %d", i ? "," : "", indent, tokens[i].bytes, i);
    fprintf(f, "}, \"merges\": [");
    for (int i = LETTERS; i < TOKENS; i++) {
        const char *left = tokens[tokens[i].left].bytes, *right = tokens[tokens[i].right].bytes,
                   *comma = i > LETTERS ? "," : "";
        if (lists)
            fprintf(f, "%s%s[%s\"%s\",%s\"%s\"%s]", comma, indent, deeper, left, deeper, right, indent);
        else
            fprintf(f, "%s\"%s %s\"", comma, left, right);
    }
    fprintf(f, "]}}");
    fclose(f);
}

/* ---- the times, of one thread's processor */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double load(const char *folder) {
    double start = now();
    tarn_tokenizer *t = tarn_tokenizer_load(folder);
    if (!t) printf("%s\n", tarn_error());
    double seconds = now() - start;
    tarn_tokenizer_free(t);
    return seconds;
}

static size_t length;
static volatile uint64_t sum;

static double read_only(const char *folder) {
    double start = now();
    char *path = path_join(folder, "tokenizer.json"), *bytes = file_read(path, SIZE_MAX, &length);
    uint64_t added = 0;
    for (size_t i = 0; bytes && i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        added += word;
    }
    sum = added;
    double seconds = now() - start;
    memory_free(bytes);
    memory_free(path);
    return seconds;
}

static double median(double measure(const char *folder), const char *folder) {
    double seconds[RUNS];
    for (int i = 0; i < RUNS; i++) seconds[i] = measure(folder);
    qsort(seconds, RUNS, sizeof *seconds, compare);
    return seconds[RUNS / 2];
}

static void report(const char *what, const char *folder) {
    double limit = median(read_only, folder), seconds = median(load, folder);
    printf("%-28s %6.1f MB %8.1f ms %7.0f MB/s   reading alone %5.1f ms\n", what, (double)length * 1e-6, seconds * 1e3,
           (double)length * 1e-6 / seconds, limit * 1e3);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) report(argv[i], argv[i]);
    if (argc > 1) return 0;
    char folder[] = "/tmp/tarn-bench-XXXXXX";
    if (!mkdtemp(folder)) return 1;
    char *path = path_join(folder, "tokenizer.json");
    token *tokens = make_tokens();
    for (int lists = 1; lists >= 0; lists--) {
        write_file(path, tokens, lists);
        report(lists ? "248320 tokens, indented" : "248320 tokens, \"a b\"", folder);
    }
    free(tokens);
    unlink(path);
    rmdir(folder);
    memory_free(path);
    return 0;
}
