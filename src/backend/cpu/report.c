/* What the CPU backend tells of itself: the instruction sets and what the machine can do at most. */
#include <stdlib.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/measure/measure.h"

bool cpu_describe(int device, tarn_measurement *result) {
    (void)device;
    double load[1] = {0};
    if (getloadavg(load, 1) != 1) load[0] = 0;
    *result = (tarn_measurement){.processor = cpu_model_name(), .threads = parallel_threads(), .load_average = load[0]};
    cpu_features_text(cpu_found(), result->isa_found);
    cpu_features_text(cpu_used(), result->isa_used);
    return true;
}

bool cpu_measure(int device, tarn_measurement *result) {
    measured_reading reading;
    if (!measure_reading(0, &reading) || !cpu_describe(device, result)) return false;
    result->read_gbps_one = reading.one.best;
    result->read_gbps_all = reading.all.best;
    result->f32_tflops = measure_f32().all;
    result->bf16_tflops = measure_bf16().all;
    return true;
}
