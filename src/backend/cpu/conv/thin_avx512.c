#define THIN_PLACES thin_places_avx512
#define THIN_SUMS   thin_sums_avx512
#include "cpu/conv/thin.tpl.h"
