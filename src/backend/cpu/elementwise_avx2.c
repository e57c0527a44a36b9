/* Elementwise loops for this instruction set. */
#include "cpu/elementwise.tpl.h"
