/* What filters and methods on strings share. */
#ifndef TEMPLATE_TEXT_H
#define TEMPLATE_TEXT_H

#include "template/render.h"

/* HTML escaping (markupsafe.escape): marked text stays as it is, other values are written first. */
value escape_value(render *r, value v);
/* "format" % operand */
value percent_format(render *r, value format, value operand);

/* Case of whole strings, Python's str.upper, lower, title, capitalize, swapcase. */
typedef enum { CASE_UPPER, CASE_LOWER, CASE_TITLE, CASE_CAPITALIZE, CASE_SWAP } case_kind;
string *change_case(render *r, string *s, case_kind which);

enum { STRIP_LEFT = 1, STRIP_RIGHT = 2 };
/* Without white space, or without the characters of `characters` (may be NULL), at its ends. */
string *strip(render *r, string *s, const string *characters, int sides);
/* str.replace; count -1 for all. */
string *replace_text(render *r, string *s, const string *from, const string *to, int64_t count);
list *split_lines(render *r, const string *s, bool keep_ends);
/* Integer argument a, or fallback where it is not given; false with TypeError for other values. */
bool integer_argument(render *r, value a, int64_t fallback, int64_t *n);
/* The string of an argument that must be one; NULL with TypeError. */
string *string_argument(render *r, value a, const char *what);
/* Result of an operation on s: keeps its mark of safety. */
value like(const string *s, string *made);

#endif
