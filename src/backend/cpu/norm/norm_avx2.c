/* Kernels over rows for this instruction set. */
#include "cpu/norm/norm.tpl.h"
