/* Partitions: sort and argsort of which only some places of a line are wanted. */
#ifndef CPU_ORDER_SELECT_H
#define CPU_ORDER_SELECT_H

#include "backend/call.h"
#include "cpu/order/keys.h"
#include "cpu/order/order.h"

bool run_select(const call *c, const order_kernels *kernels, const order_conversions *convert);
int64_t select_workspace(const call *c);

#endif
