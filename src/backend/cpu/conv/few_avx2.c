#define FEW_ADD few_add_avx2
#include "cpu/conv/few.tpl.h"
