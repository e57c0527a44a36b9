/* Attention for this instruction set. */
#include "cpu/attention.tpl.h"
