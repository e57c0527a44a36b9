/* Keys for this instruction set. */
#define ISA(name) name##_avx512
#include "cpu/order/keys.tpl.h"
