/* Elementwise ops on truths: 0 or 1 in an integer. */
#include "reference/elementwise.h"

#define TABLE elementwise_bool
#define T     uint64_t
#define SLOT  u

#define BOOL(v) STATEMENT(v)
#define INT(v)
#define FLOAT(v)
#define COMPLEX(v)

#define lt(a, b) ((a) < (b))
#define le(a, b) ((a) <= (b))

#include "reference/elementwise.tpl.h"
