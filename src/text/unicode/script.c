#include "unicode/script.h"

#include <stddef.h>

#include "unicode/database.h"

static const struct {
    uint32_t first;
    script script;
} runs[] = {
#define SCRIPT_NAME(name)
#define SCRIPT_RUN(first, name) {first, SCRIPT_##name},
#include "unicode/script.def"
#undef SCRIPT_NAME
#undef SCRIPT_RUN
};

script unicode_script(uint32_t c) {
    if (!unicode_is_assigned(c)) return SCRIPT_NONE;
    size_t low = 0, high = sizeof runs / sizeof *runs; /* the first run begins with the first character */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (runs[middle].first <= c)
            low = middle;
        else
            high = middle;
    }
    return runs[low].script;
}
