// What kernels and those who launch them share: compiled as C, as CUDA C++ by NVRTC and as C++ for the emulated device.
//
// NVRTC brings no header, not even stdint.h; these files include none but each other.
#pragma once

/// Values that are f32 or, where `narrow` is not 0, bf16. NULL where there are none.
typedef struct {
    void *at;
    int narrow;
} hl_cuda_values;

/// Threads of a block, in every launch: reductions are trees over as many.
#define HL_CUDA_THREADS 256
