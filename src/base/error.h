/* What layers above do with the sticky error beyond setting it (tarn/error.h). */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/* The error that is set was met inside this function: it replaces the one that the message begins with ("concatenate: …" in stack becomes
   "stack: …"), or goes before a message that begins with none. */
void error_name_function(const char *name);

/* The thread's error is put aside, so that calls work, until it is put back; what was set meanwhile is forgotten. They do not nest. */
void error_set_aside(void);
void error_put_back(void);

#endif
