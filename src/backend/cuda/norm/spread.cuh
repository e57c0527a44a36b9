/* Blocks that are launched while the kernel before still runs come to those multiprocessors that are free first, as
   many to each as find room, and none to others. Shared memory that nobody uses keeps them at four each. */
#ifndef CUDA_NORM_SPREAD_CUH
#define CUDA_NORM_SPREAD_CUH

/* SHARED: a quarter of half of what a multiprocessor has (cuda_launch_attributes). */
enum { SPREAD_BLOCKS = 4, SPREAD_SHARED = 26 << 10 };

#endif
