#define THIN_PLACES thin_places_baseline
#define THIN_SUMS   thin_sums_baseline
#include "cpu/conv/thin.tpl.h"
