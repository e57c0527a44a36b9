/* Ops that a device has neither kernel nor formula for: whether they may run on the CPU instead, and which did. */
#ifndef CORE_FALLBACK_H
#define CORE_FALLBACK_H

#include <stdbool.h>

bool fallback_allowed(void);
void fallback_count(const char *op); /* a static string */

void fallback_before_fork(void);
void fallback_after_fork(void);

#endif
