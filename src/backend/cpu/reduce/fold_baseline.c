/* Folds for this instruction set. */
#include "cpu/reduce/fold.tpl.h"
