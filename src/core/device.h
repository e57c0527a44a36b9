/* Devices and their backends. */
#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include "tarn/device.h"

struct backend;

struct pool;

/* Devices are numbered, through all types, in the order of their first use: slot 0 is the CPU. */
enum { DEVICE_HOST = 0 };
int device_slot_count(void); /* so far */

/* The slot of a device, its backend loaded; -1 with the error set if there is none. */
int device_slot(tarn_device device);
int device_default_slot(void); /* of tarn_default_device, likewise */
/* False, with an error that says that there is none, and why, where that is known. */
bool device_missing(tarn_device device);
/* Of a type, opened if it was not yet; NULL if it cannot be. */
const struct backend *device_backend(tarn_device_type type);
const struct backend *slot_backend(int slot);
int slot_device_index(int slot);
/* False, with the error set, for a device that the parent of this forked process had in use: it cannot be used here. */
bool slot_check(int slot);
bool slot_is_lost(int slot);
/* Waits until the device has done what others in this process gave its default stream. */
bool slot_settle(int slot);
tarn_stream *slot_default_stream(int slot);
struct pool *slot_pool(int slot);
/* For what is moved to and from a device, beside its other work; made when first asked for. NULL, with the error set,
 * without memory. */
tarn_stream *slot_copy_stream(int slot);

void devices_before_fork(void);
void devices_after_fork(void);
void devices_in_child(void);

#endif
