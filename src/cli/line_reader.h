/* Messages from standard input: edited at a terminal, with history, pasted text whole; plain lines otherwise. */
#ifndef LINE_READER_H
#define LINE_READER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct line_reader line_reader;

/* NULL after a message. */
line_reader *line_reader_open(void);
void line_reader_close(line_reader *reader);
bool line_reader_at_terminal(const line_reader *reader);
/* The next message, ended by a NUL that *length does not count (free): a line, or several of which all but the last end
   with a backslash. NULL at the end of input, or after a message. Ctrl-C at the prompt begins a new line. */
char *line_reader_next(line_reader *reader, size_t *length);
bool line_reader_failed(const line_reader *reader);

#endif
