/* What tests find in libtarn_mock.so by dlsym. The same names as types: `tarn_mock_count *count = dlsym(library,
   "tarn_mock_launches")`.

   Faults: the n-th such event from now (1 = the next) fails, and none after it; 0 turns the fault off. A failed launch
   or copy is told to `after` when its turn comes; of a failed submission every call and copy is. */
#ifndef MOCK_HOOKS_H
#define MOCK_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "tarn/error.h"

TARN_API void tarn_mock_fail_launch(int64_t n);
TARN_API void tarn_mock_fail_submission(int64_t n);
TARN_API void tarn_mock_fail_allocation(int64_t n);
TARN_API void tarn_mock_fail_copy(int64_t n);

TARN_API bool tarn_mock_set_missing(const char *ops); /* comma-separated; NULL: none. False for a name that is no op */
/* The same for one device. */
TARN_API bool tarn_mock_set_missing_on(int device, const char *ops);
TARN_API void tarn_mock_set_memory(int64_t bytes);
/* So much of the device's budget is kept by each plan that is prepared from now on; without room for it there is none.
 */
TARN_API void tarn_mock_set_plan_bytes(int64_t bytes);
TARN_API void tarn_mock_set_delay(int64_t microseconds, uint64_t seed);
TARN_API void tarn_mock_set_lag(int64_t microseconds);
/* The n-th submission from now is told to be over so much later than the streams that wait for it go on. */
TARN_API void tarn_mock_tell_late(int64_t n, int64_t microseconds);
TARN_API void tarn_mock_set_peers(bool peers);
/* From now on all work, copies and allocations of the device fail. */
TARN_API void tarn_mock_lose_device(int device, bool lost);

/* Since the start: submissions, launches and copies begun, bytes copied; rows and plans prepared, submissions that
   replayed a plan, inputs that were overwritten as nobody reads them any more. Now: blocks and bytes allocated.
   Violations: operands or copies outside the device's blocks, blocks released twice. */
TARN_API int64_t tarn_mock_submissions(void);
TARN_API int64_t tarn_mock_launches(void);
TARN_API int64_t tarn_mock_copies(void);
TARN_API int64_t tarn_mock_copied_bytes(void);
TARN_API int64_t tarn_mock_prepared_rows(void);
TARN_API int64_t tarn_mock_plans(void);
TARN_API int64_t tarn_mock_replays(void);
TARN_API int64_t tarn_mock_last_reads(void);
TARN_API int64_t tarn_mock_blocks(void);
TARN_API int64_t tarn_mock_bytes(void);
TARN_API int64_t tarn_mock_violations(void);

#endif
