/* Functions whose arguments fit no annotation. */
#include "special.h"
