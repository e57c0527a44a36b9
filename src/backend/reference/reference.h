/* The rows of the reference backend: `const kernel_row reference_<op>` in its family's file, for every op of the kinds
   KERNEL, UPDATE and EFFECT. */
#ifndef REFERENCE_REFERENCE_H
#define REFERENCE_REFERENCE_H

#include "backend/backend.h"

/* What all rows share: they are chosen whatever the dtypes and strides are. */
#define REFERENCE_ROW(name_)                                                                                           \
    .op = OP_##name_, .name = #name_ "_reference", .dtypes = DTYPES_ALL, .selector = -1, .layout = LAYOUT_ANY

#endif
