/* The sticky error of a thread: a fixed buffer, so that running out of memory can be reported too. */
#include "base/error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static _Thread_local struct {
    tarn_error_class kind;
    char message[1024];
} current, aside;

bool tarn_ok(void) {
    return current.kind == TARN_ERROR_NONE;
}

const char *tarn_error(void) {
    return tarn_ok() ? NULL : current.message;
}

tarn_error_class tarn_error_kind(void) {
    return current.kind;
}

void tarn_clear_error(void) {
    current.kind = TARN_ERROR_NONE;
}

static void set(tarn_error_class kind, const char *format, va_list arguments) {
    if (!tarn_ok()) return;
    current.kind = kind > TARN_ERROR_NONE && kind <= TARN_ERROR_INTERRUPT ? kind : TARN_ERROR_VALUE;
    vsnprintf(current.message, sizeof current.message, format ? format : "no message", arguments);
}

bool tarn_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    set(TARN_ERROR_VALUE, format, arguments);
    va_end(arguments);
    return false;
}

bool tarn_fail_kind(tarn_error_class kind, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    set(kind, format, arguments);
    va_end(arguments);
    return false;
}

bool error_blame(tarn_error_class kind) {
    if (current.kind == TARN_ERROR_VALUE) current.kind = kind;
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
    tarn_error_class kind = current.kind;
    tarn_clear_error();
    tarn_fail_kind(kind, "%s: %s", name, behind_name(before));
}

void error_add(const char *more) {
    size_t length = strlen(current.message);
    snprintf(current.message + length, sizeof current.message - length, "%s", more);
}

error_note *error_note_copy(const error_note *note) {
    bool before = tarn_ok();
    size_t length = strlen(note->text) + 1;
    error_note *copy = memory_new(1, sizeof *copy + length);
    if (copy)
        *copy = (error_note){note->kind, memcpy(copy + 1, note->text, length)};
    else if (before)
        tarn_clear_error();
    return copy;
}

void error_set_aside(void) {
    aside = current;
    tarn_clear_error();
}

void error_put_back(void) {
    current = aside;
}
