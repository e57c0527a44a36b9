/* Work goes to the device that TARN_TEST_DEVICE names (mock, cuda), else to the CPU. fallback: whether the mock device,
   which lacks most ops, may leave them to the CPU; a CUDA device never may. */
#ifndef TESTS_TEST_DEVICE_H
#define TESTS_TEST_DEVICE_H

#include <stdlib.h>
#include <string.h>

#include "tarn/device.h"

/* False: there is none, the test is skipped. */
static inline bool choose_device(bool fallback) {
    const char *name = getenv("TARN_TEST_DEVICE");
    tarn_device_type type = TARN_CPU;
    while (name && type < TARN_DEVICE_TYPE_COUNT && strcmp(name, tarn_device_type_name(type)) != 0) type++;
    if (type == TARN_CPU) return true;
    tarn_allow_fallback(fallback && type == TARN_MOCK);
    return tarn_device_count(type) > 0 && tarn_set_default_device((tarn_device){type, 0});
}

#endif
