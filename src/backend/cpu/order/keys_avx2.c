/* Keys for this instruction set. */
#define ISA(name) name##_avx2
#include "cpu/order/keys.tpl.h"
