/* Elementwise ops on signed integers of every width, in int64_t. */
#include "reference/elementwise.h"

#define TABLE elementwise_signed
#define T     int64_t
#define SLOT  i

#include "reference/integer.h"

#define BOOL(v)
#define INT(v) STATEMENT(v)
#define FLOAT(v)
#define COMPLEX(v)

#include "reference/elementwise.tpl.h"
