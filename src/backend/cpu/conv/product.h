/* Any convolution as products of patches: what serves those that no other kernel is for. */
#ifndef CPU_CONV_PRODUCT_H
#define CPU_CONV_PRODUCT_H

#include "cpu/cpu.h"

extern const kernel_row conv_product_row;

#endif
