/* A folder for one test program, and errors that must have several words. */
#ifndef TESTS_TEMPORARY_FOLDER_H
#define TESTS_TEMPORARY_FOLDER_H

#include <stdlib.h>

#include "check.h"

static char folder[] = "/tmp/tarn-test-XXXXXX"; /* main() makes it with mkdtemp */

static inline const char *in_folder(const char *name) {
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline void clear_folder(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s/*", folder);
    CHECK(system(command) == 0);
}

/* The error is set and has all the words, separated by '|'. */
static inline void expect_error(const char *what, const char *words) {
    char copy[512], *rest = copy;
    snprintf(copy, sizeof copy, "%s", words);
    const char *message = tarn_error();
    for (const char *word; (word = strsep(&rest, "|"));)
        if (!message || !strstr(message, word))
            check_failures++,
                fprintf(stderr, "%s: no '%s' in the error: %s\n", what, word, message ? message : "(no error)");
    tarn_clear_error();
}

#endif
