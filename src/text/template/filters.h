/* Filters that stand in files of their own, and what the other files of filters and methods share. */
#ifndef TEMPLATE_FILTERS_H
#define TEMPLATE_FILTERS_H

#include "template/render.h"

value filter_tojson(render *r, value self, const arguments *given, const value *a);

/* A lookup such as "address.city" or 0, as map(attribute=…), sort(attribute=…) make; what is missing on the way becomes
 * the fallback. */
value get_path(render *r, value v, value path, value fallback);
/* Lower case for strings, everything else as it is. */
value ignore_case(render *r, value v);

typedef enum { PAD_LEFT, PAD_RIGHT, PAD_CENTER } pad_side; /* where the filling goes */
string *pad_text(render *r, string *s, int64_t width, const char *fill, size_t fill_length, pad_side side);

#endif
