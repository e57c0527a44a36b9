/* Elementwise ops on float64, in long double. */
#include "reference/elementwise.h"

#define TABLE      elementwise_double
#define T          long double
#define SLOT       l
#define MATH(name) name##l

#include "reference/real.h"

#define BOOL(v)
#define INT(v)
#define FLOAT(v) STATEMENT(v)
#define COMPLEX(v)

#include "reference/elementwise.tpl.h"
