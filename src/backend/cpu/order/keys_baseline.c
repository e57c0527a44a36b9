/* Keys for this instruction set. */
#define ISA(name) name##_baseline
#include "cpu/order/keys.tpl.h"
