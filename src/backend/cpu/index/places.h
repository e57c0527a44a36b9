/* Kernels whose results are places. */
#ifndef CPU_PLACES_H
#define CPU_PLACES_H

#include "backend/call.h"

enum { PLACES_ROWS = 2 };
extern const kernel_row places_rows[PLACES_ROWS]; /* checked_indices, nonzero */

#endif
