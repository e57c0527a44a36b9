/* Elementwise ops on unsigned integers of every width, in uint64_t. */
#include "reference/elementwise.h"

#define TABLE elementwise_unsigned
#define T     uint64_t
#define SLOT  u

#include "reference/integer.h"

#define BOOL(v)
#define INT(v) STATEMENT(v)
#define FLOAT(v)
#define COMPLEX(v)

#include "reference/elementwise.tpl.h"
