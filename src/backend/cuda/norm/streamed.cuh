/* softmax, rms_norm and layer_norm of many dense rows, streamed through shared memory (norm/streamed.cu); false: not these rows, or
 * not on this device. */
#ifndef CUDA_NORM_STREAMED_CUH
#define CUDA_NORM_STREAMED_CUH

#include "cuda/device.cuh"

bool norm_is_streamed(const norm_kernel *k);
bool launch_softmax_streamed(const norm_kernel *k, kernel_stream stream);
bool launch_rms_norm_streamed(const norm_kernel *k, kernel_stream stream);
bool launch_layer_norm_streamed(const norm_kernel *k, kernel_stream stream);

#endif
