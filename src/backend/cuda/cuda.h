/* NVIDIA GPUs. Kernels are launched by the thread of a stream that gives it its work; what they need to know of it
 * stands here. */
#ifndef CUDA_CUDA_H
#define CUDA_CUDA_H

#include <cuda_runtime_api.h>

#include "backend/backend.h"
#include "tarn/error.h"

enum { MOST_DEVICES = 64 }; /* that have streams */

/* ---- backend.c */
/* Hands an error of this shared object's own copy of the error state to the library that opened it; returns ok. */
bool cuda_report(bool ok);
/* True for success; else the error says what was tried and CUDA's reason. */
bool cuda_ok(cudaError_t error, const char *what);
/* Makes the device the calling thread's; false for one that is lost. */
bool cuda_use(int device);
/* Bytes of the device's budget; false, without an error, if there is no room for them. Negative: given back. */
bool cuda_reserve(int device, int64_t bytes);

/* ---- memory.c */
void *cuda_allocate(int device, int64_t bytes);
void cuda_release(int device, void *block);
int64_t cuda_memory_bytes(int device);
/* Has code of so many bytes, which stays loaded, in the budget of the device at hand, once, as the bits of `devices`
   say: if not now, for want of room, the next time. Under the lock of who keeps the code. */
void cuda_count_code(uint64_t *devices, size_t bytes);

/* ---- device.c (and kernels.h) */
/* The device at hand: whose work the calling thread gives, or whose rows were asked for in it last. */
extern _Thread_local int cuda_device_now;
/* The next kernel may not begin before those that its stream was given before it are over. */
extern _Thread_local bool cuda_waits_for_all;
/* 90 is 9.0. */
int cuda_capability(void);
/* The calling thread's context of CUDA, which another library may have chosen there; NULL: none. What runs in others'
   threads gives it back when it is done. */
void *cuda_context(void);
void cuda_give_back(void *context);

/* ---- stream.c */
/* Whether an error that nothing cures has happened on the device: the process can use it no more. */
bool cuda_is_lost(int device);
backend_stream *cuda_stream_new(int device);
void cuda_stream_free(backend_stream *stream);
void cuda_submit(backend_stream *stream, submission *s);
/* Waits for an event: looks before it sleeps, as waking up takes as long as a tenth of a decoding step. */
cudaError_t cuda_await_event(cudaEvent_t event);
/* The stream that the calling thread launches on. */
extern _Thread_local cudaStream_t cuda_stream_now;
/* Bits of the inputs of the call at hand that nothing before it in its plan writes: a kernel may read them before the
   one before it is over. Outside plans 0. */
extern _Thread_local unsigned cuda_constant_inputs;
/* Has the call's row launch it on cuda_stream_now. */
bool cuda_launch(const call *c);

/* ---- status.c: errors that depend on data */
typedef struct cuda_status cuda_status;
/* Sets the error that the two words stand for. */
typedef void (*status_sayer)(const call *c, const uint64_t *words);
/* For the call that is being launched, whose kernels lower cuda_status_words(s)[0] where something is wrong; NULL with
   the error set. After its last kernel it is sent. */
cuda_status *cuda_status_new(const call *c, status_sayer say);
uint64_t *cuda_status_words(const cuda_status *s);
bool cuda_status_send(const cuda_status *s);
/* Of the submission that the calling thread gives; told of by the thread that tells of its end. */
extern _Thread_local cuda_status **cuda_statuses_now;
void cuda_statuses_tell(int device, submission *of, cuda_status *list);

/* ---- fuse/fuse.c */
/* Launches the next of `count` calls, or several that one kernel does, and returns how many. constant[i]: what
   cuda_constant_inputs is to be for call i; NULL: nothing is known. *ok: false with the error set. */
int cuda_launch_next(const call *calls, int count, const unsigned *constant, bool *ok);

/* ---- plan.c: calls that are submitted again and again, as graphs */
backend_plan *cuda_prepare(int device, const call *calls, int count, const operand_place *places, int bases);
void cuda_plan_free(backend_plan *plan);
/* Whether it was made of so many calls: no other submission is launched as the plan. */
bool cuda_plan_has(const backend_plan *plan, int count);
/* Launches the plan for its calls on cuda_stream_now; false: it cannot be, and the calls are to be launched one by one.
 */
bool cuda_plan_launch(backend_plan *plan, const call *calls, void *const *bases);
/* Of each of its calls, the bits of inputs that nothing before it in the plan writes. */
const unsigned *cuda_plan_constants(const backend_plan *plan);

/* ---- copy.c: page-locked memory through which copies from and to the host go */
enum { LANE_PIECES = 2 };
typedef struct {
    char *pieces[LANE_PIECES];
    cudaEvent_t free[LANE_PIECES]; /* the device has done with the piece */
    unsigned next;
} copy_lane;
/* Lanes whose pieces are parts of `room`. */
typedef struct {
    copy_lane *lanes;
    int count;
    char *room;
} copy_lanes;
typedef struct {
    copy_lanes shared; /* one, whose pieces are filled or emptied by all threads together */
    copy_lanes own;    /* one for each thread, for long copies to the device */
} staging;
/* On a stream of the device, which is the calling thread's. */
bool cuda_copy(int device, staging *s, cudaStream_t stream, const block_copy *copy);
void cuda_staging_free(staging *s);

/* ---- measure.c */
bool cuda_measure(int device, tarn_measurement *result);
bool cuda_describe(int device, tarn_measurement *result);

/* ---- nvrtc.c */
/* The kernel `name` of this source, compiled for the device at hand unless it was before (in this process or, kept in
   the cache folder, in another), with these options beside the architecture and the language; those that begin with
   "--" are left out where NVRTC does not know them. NULL with the error set. */
cudaKernel_t cuda_compiled(const char *source, const char *name, const char *const *options, int option_count);

/* ---- rows: `const kernel_row cuda_<op>…` in the files of their families, listed in backend.c */
#define CUDA_ROW(name_) .op = OP_##name_, .name = #name_ "_cuda"

#endif
