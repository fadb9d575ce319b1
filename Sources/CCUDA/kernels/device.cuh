// The language of our kernels: CUDA C++ for NVRTC, C++ for the emulated device, where threads of a block are fibers.
//
// Rules, which make results the same every time and the emulated device a fair judge:
// - a kernel is HL_KERNEL(name) { … }, its arguments are the fields of `a`, a `hl_cuda_name`;
// - barriers are HL_BARRIER(), which all threads of a block pass; nobody returns before one;
// - no atomics, no shuffles, no dynamic shared memory: HL_SHARED(type, name, count), sums as fixed trees;
// - constants that are found by an index are HL_TABLE type name[count] = { … };
// - no two blocks write to the same place, and none reads what another one writes;
// - counts are `unsigned` and below 2^31, offsets in bytes or of whole tensors `unsigned long`.
#pragma once

#ifdef __CUDACC_RTC__
#define HL_KERNEL(name) extern "C" __global__ void kernel_##name(const hl_cuda_##name a)
#define HL_SHARED(type, name, count) __shared__ type name[count]
#define HL_BARRIER() __syncthreads()
#define HL_DEVICE __device__ static __forceinline__
#define HL_TABLE __constant__ static const
#define INFINITY __int_as_float(0x7f800000)
HL_DEVICE unsigned bits_of(float x) { return __float_as_uint(x); }
HL_DEVICE float float_of(unsigned x) { return __uint_as_float(x); }
#else
#include <math.h>
#include <string.h>
struct hl_dim3 {
    unsigned x = 1, y = 1, z = 1;
};
// The thread that runs, as in CUDA.
extern thread_local hl_dim3 threadIdx, blockIdx, blockDim, gridDim;
void hl_emulated_barrier(int line);
#define HL_KERNEL(name) static void kernel_##name(const hl_cuda_##name a)
// One piece of memory for all threads of a block, known by its place in the text.
void *hl_emulated_shared(const char *place, unsigned long bytes);
#define HL_SHARED(type, name, count)    \
    static const char name##_place = 0; \
    type *const name = (type *)hl_emulated_shared(&name##_place, sizeof(type) * (count))
#define HL_BARRIER() hl_emulated_barrier(__LINE__)
#define HL_DEVICE static inline
#define HL_TABLE static const
HL_DEVICE unsigned bits_of(float x) {
    unsigned bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
HL_DEVICE float float_of(unsigned x) {
    float value;
    memcpy(&value, &x, sizeof value);
    return value;
}
// Aligned as on the card, where an access that is not fails.
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
#endif

// MARK: Threads

/// Runs its body for i = 0 ..< count, the threads of the grid side by side.
#define HL_FOR_EACH(i, count) \
    for (unsigned i = blockIdx.x * HL_CUDA_THREADS + threadIdx.x; i < (count); i += gridDim.x * HL_CUDA_THREADS)
