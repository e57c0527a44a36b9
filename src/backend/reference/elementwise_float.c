/* Elementwise ops on float16, bfloat16 and float32, in double. */
#include "reference/elementwise.h"

#define TABLE      elementwise_float
#define T          double
#define SLOT       d
#define MATH(name) name

#include "reference/real.h"

#define BOOL(v)
#define INT(v)
#define FLOAT(v) STATEMENT(v)
#define COMPLEX(v)

#include "reference/elementwise.tpl.h"
