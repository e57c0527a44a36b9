/* The sticky error of a thread: a fixed buffer, so that running out of memory can be reported too. */
#include "tarn/error.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local struct {
    bool set;
    char message[1024];
} current;

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
