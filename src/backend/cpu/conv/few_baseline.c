#define FEW_ADD few_add_baseline
#include "cpu/conv/few.tpl.h"
