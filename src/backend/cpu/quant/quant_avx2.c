/* Quantized rows for this instruction set. */
#include "cpu/quant/quant.tpl.h"
