/* Threefry for this instruction set. */
#include "cpu/random/threefry.tpl.h"
