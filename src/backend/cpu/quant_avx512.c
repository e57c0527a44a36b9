/* Quantized rows for this instruction set. */
#include "cpu/quant.tpl.h"
