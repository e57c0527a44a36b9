#define FEW_ADD few_add_avx512
#include "cpu/conv/few.tpl.h"
