/* The sticky error of a thread: a fixed buffer, so that running out of memory can be reported too. */
#include "base/error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tarn/error.h"

static _Thread_local struct {
    bool set;
    char message[1024];
} current, aside;

bool tarn_ok(void) {
    return !current.set;
}

const char *tarn_error(void) {
    return current.set ? current.message : NULL;
}

void tarn_clear_error(void) {
    current.set = false;
}

bool tarn_fail(const char *format, ...) {
    if (current.set) return false;
    current.set = true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(current.message, sizeof current.message, format, arguments);
    va_end(arguments);
    return false;
}

/* The text behind "word: ", or the whole of it. */
static const char *behind_name(const char *message) {
    size_t length = 0;
    while (isalnum((unsigned char)message[length]) || message[length] == '_') length++;
    return length && strncmp(message + length, ": ", 2) == 0 ? message + length + 2 : message;
}

void error_name_function(const char *name) {
    char before[sizeof current.message];
    memcpy(before, current.message, sizeof before);
    current.set = false;
    tarn_fail("%s: %s", name, behind_name(before));
}

void error_set_aside(void) {
    aside = current;
    current.set = false;
}

void error_put_back(void) {
    current = aside;
}
