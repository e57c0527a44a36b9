#define DEPTHWISE_ADD depthwise_add_avx2
#include "cpu/conv/depthwise.tpl.h"
