#define DEPTHWISE_ADD depthwise_add_avx512
#include "cpu/conv/depthwise.tpl.h"
