/* Attention for this instruction set. */
#include "cpu/attention/attention.tpl.h"
