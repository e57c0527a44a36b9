/* Hard mode (TARN_HARD=1), for tests: new memory is filled with a pattern that is NaN in every float format, blocks
   carry guard bytes, graphs are evaluated in another valid order. */
#ifndef BASE_HARD_H
#define BASE_HARD_H

#include <stdbool.h>

enum { HARD_GUARD = 64, HARD_PATTERN = 0xFF };

bool hard_mode(void);

#endif
