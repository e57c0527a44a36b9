/* The script of a character. */
#ifndef UNICODE_SCRIPT_H
#define UNICODE_SCRIPT_H

#include <stdint.h>

typedef enum {
    SCRIPT_NONE, /* unassigned or for private use */
#define SCRIPT_NAME(name) SCRIPT_##name,
#define SCRIPT_RUN(first, name)
#include "unicode/script.def"
#undef SCRIPT_NAME
#undef SCRIPT_RUN
} script;

script unicode_script(uint32_t c); /* of Unicode 9 */

#endif
