#ifndef REFERENCE_ERFINV_H
#define REFERENCE_ERFINV_H

/* The inverse of erf to a little more than double precision; NaN outside [-1, 1]. */
long double reference_erfinv(long double x);

#endif
