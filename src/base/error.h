/* What layers above do with the sticky error beyond setting it (tarn/error.h). */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "tarn/error.h"

/* The error that is set was met inside this function: it replaces the one that the message begins with ("concatenate:
   …" in stack becomes "stack: …"), or goes before a message that begins with none. */
void error_name_function(const char *name);

/* Adds to the message of the error that is set. */
void error_add(const char *more);

/* If the error that is set is a TARN_ERROR_VALUE it becomes one of this kind: what was wrong was not given by the
 * caller. Returns false. */
bool error_blame(tarn_error_class kind);

/* An error on its way from where it was met to who reads the results. */
typedef struct {
    tarn_error_class kind;
    const char *text;
} error_note;
/* A copy in one block (memory_free). NULL without memory, which is no error. */
error_note *error_note_copy(const error_note *note);

/* The thread's error is put aside, so that calls work, until it is put back; what was set meanwhile is forgotten. They
 * do not nest. */
void error_set_aside(void);
void error_put_back(void);

#endif
