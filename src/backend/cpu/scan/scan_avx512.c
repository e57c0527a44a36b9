/* Running values for this instruction set. */
#include "cpu/scan/scan.tpl.h"
