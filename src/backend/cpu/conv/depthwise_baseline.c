#define DEPTHWISE_ADD depthwise_add_baseline
#include "cpu/conv/depthwise.tpl.h"
