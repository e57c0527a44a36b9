#define THIN_PLACES thin_places_avx2
#define THIN_SUMS   thin_sums_avx2
#include "cpu/conv/thin.tpl.h"
