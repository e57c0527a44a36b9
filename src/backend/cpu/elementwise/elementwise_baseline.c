/* Elementwise loops for this instruction set. */
#include "cpu/elementwise/elementwise.tpl.h"
