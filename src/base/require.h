/* Pointers that a public function must be given: `if (!REQUIRE(session)) return false;` fails with "tarn_session_step: session is NULL". */
#ifndef BASE_REQUIRE_H
#define BASE_REQUIRE_H

#include <stddef.h>

#include "tarn/error.h"

#define REQUIRE(pointer) ((pointer) != NULL || tarn_fail("%s: %s is NULL", __func__, #pointer))

#endif
