/* Where memory goes. All figures are bytes. */
#ifndef TARN_MEMORY_H
#define TARN_MEMORY_H

#include "tarn/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int64_t active;      /* in buffers of arrays and in scratch of running plans */
    int64_t cached;      /* freed, kept by the pool for reuse */
    int64_t peak;        /* most active + cached after an allocation since the last reset; 0: there was none */
    int64_t peak_active; /* most active, likewise */
    int64_t mapped;      /* foreign memory that arrays stand on (mapped files); not part of active */
    int64_t limit;       /* budget of active + reserved; 0: none */
    int64_t recomputed;  /* bytes of outputs that were computed again because their memory had been released */
    int64_t copied_in, copied_out; /* moved to and from this device */
    int64_t nodes;                 /* graph nodes alive in the process */
    int64_t reserved;              /* kept by the device's backend itself: graphs of plans, compiled code */
} tarn_memory;
TARN_API bool tarn_memory_info(tarn_device device, tarn_memory *info);
TARN_API void tarn_reset_peak(tarn_device device);
/* An allocation that would take active and reserved memory over the limit fails with an error before anything is lost.
   0: no limit. Negative limits are errors. */
TARN_API void tarn_set_memory_limit(tarn_device device, int64_t bytes);
TARN_API void tarn_set_cache_limit(tarn_device device, int64_t bytes);
TARN_API void tarn_clear_cache(tarn_device device);

/* Functions that give back what belongs to the user (`release` of tarn_from_foreign, tarn_custom_new and tarn_compile)
   are called in a thread that is inside a function of Tarn, never in one of Tarn's own, and with no lock held: they may
   do anything, with scopes of their own. When something is not needed any more, the next call that evaluates, reads,
   drops, ends a scope, asks for memory or handles streams, in any thread, calls its function; this one does nothing
   else. */
TARN_API void tarn_drain_released(void);

#ifdef __cplusplus
}
#endif
#endif
