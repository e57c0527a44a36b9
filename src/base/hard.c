#include "base/hard.h"

#include "base/settings.h"

bool hard_mode(void) {
    return settings_hard();
}
