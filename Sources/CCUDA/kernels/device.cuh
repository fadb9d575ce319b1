// The language of our kernels: CUDA C++ for NVRTC, C++ for the emulated device, where threads of a block are fibers.
//
// Rules, which make results the same every time and the emulated device a fair judge:
// - a kernel is HL_KERNEL(name) { … }, its arguments are the fields of `a`, a `hl_cuda_name`;
// - barriers are HL_BARRIER(), which all threads of a block pass; nobody returns before one;
// - no atomics, no shuffles, no dynamic shared memory: HL_SHARED(type, name, count), sums as fixed trees;
// - no two blocks write to the same place, and none reads what another one writes;
// - counts are `unsigned` and below 2^31, offsets in bytes or of whole tensors `unsigned long`.
#pragma once

#ifdef __CUDACC_RTC__
#define HL_KERNEL(name) extern "C" __global__ void kernel_##name(const hl_cuda_##name a)
#define HL_SHARED(type, name, count) __shared__ type name[count]
#define HL_BARRIER() __syncthreads()
#define HL_DEVICE __device__ static __forceinline__
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
void hl_emulated_barrier();
#define HL_KERNEL(name) static void kernel_##name(const hl_cuda_##name a)
#define HL_SHARED(type, name, count) static thread_local type name[count]
#define HL_BARRIER() hl_emulated_barrier()
#define HL_DEVICE static inline
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
struct float4 {
    float x, y, z, w;
};
struct uint2 {
    unsigned x, y;
};
#endif

// MARK: Values, f32 or bf16

/// The upper half of an f32.
HL_DEVICE float widened(unsigned short value) { return float_of((unsigned)value << 16); }

/// To the nearest, ties to even; NaN stays NaN: the bits of values.h.
HL_DEVICE unsigned short narrowed(float value) {
    const unsigned bits = bits_of(value);
    const unsigned rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16, broken = (bits >> 16) | 0x40;
    return (unsigned short)((bits & 0x7fffffff) > 0x7f800000 ? broken : rounded);
}

HL_DEVICE float load(hl_cuda_values v, unsigned long i) {
    return v.narrow ? widened(((const unsigned short *)v.at)[i]) : ((const float *)v.at)[i];
}

HL_DEVICE void store(hl_cuda_values v, unsigned long i, float value) {
    if (v.narrow)
        ((unsigned short *)v.at)[i] = narrowed(value);
    else
        ((float *)v.at)[i] = value;
}

/// Four neighbours from i on, a multiple of 4: one access to memory.
HL_DEVICE float4 load4(hl_cuda_values v, unsigned long i) {
    if (!v.narrow) return *(const float4 *)((const float *)v.at + i);
    const uint2 pair = *(const uint2 *)((const unsigned short *)v.at + i);
    float4 result;
    result.x = float_of(pair.x << 16);
    result.y = float_of(pair.x & 0xffff0000u);
    result.z = float_of(pair.y << 16);
    result.w = float_of(pair.y & 0xffff0000u);
    return result;
}

HL_DEVICE void store4(hl_cuda_values v, unsigned long i, float4 value) {
    if (!v.narrow) {
        *(float4 *)((float *)v.at + i) = value;
        return;
    }
    uint2 pair;
    pair.x = (unsigned)narrowed(value.x) | (unsigned)narrowed(value.y) << 16;
    pair.y = (unsigned)narrowed(value.z) | (unsigned)narrowed(value.w) << 16;
    *(uint2 *)((unsigned short *)v.at + i) = pair;
}

// MARK: Threads

/// Runs its body for i = 0 ..< count, the threads of the grid side by side.
#define HL_FOR_EACH(i, count)                                                                     \
    for (unsigned i = blockIdx.x * HL_CUDA_THREADS + threadIdx.x; i < (count); \
         i += gridDim.x * HL_CUDA_THREADS)

/// Sums over the block's threads, of which each brings one value: a fixed tree, the same in all threads. `memory` has
/// HL_CUDA_THREADS places; all threads call.
template <class T>
HL_DEVICE T block_sum(T value, T *memory) {
    memory[threadIdx.x] = value;
    HL_BARRIER();
    for (unsigned half = HL_CUDA_THREADS / 2; half; half >>= 1) {
        if (threadIdx.x < half) memory[threadIdx.x] += memory[threadIdx.x + half];
        HL_BARRIER();
    }
    const T sum = memory[0];
    HL_BARRIER();
    return sum;
}

/// The greatest, likewise.
HL_DEVICE float block_max(float value, float *memory) {
    memory[threadIdx.x] = value;
    HL_BARRIER();
    for (unsigned half = HL_CUDA_THREADS / 2; half; half >>= 1) {
        if (threadIdx.x < half) memory[threadIdx.x] = fmaxf(memory[threadIdx.x], memory[threadIdx.x + half]);
        HL_BARRIER();
    }
    const float most = memory[0];
    HL_BARRIER();
    return most;
}

// MARK: Rows of a matrix, of which `lanes` neighbouring threads, a power of two, take one together

/// What a thread takes of its row: the columns first, first + lanes, … below `end`; beyond the last row, none.
struct row_share {
    /// Of the row's first value.
    unsigned long start;
    unsigned row, first, end;
    /// Whether the thread writes what is one value a row.
    bool leads;
};

HL_DEVICE row_share share_of_row(unsigned rows, unsigned columns, unsigned lanes) {
    row_share share;
    share.row = blockIdx.x * (HL_CUDA_THREADS / lanes) + threadIdx.x / lanes;
    share.first = threadIdx.x & (lanes - 1);
    share.end = share.row < rows ? columns : 0;
    share.start = (unsigned long)share.row * columns;
    share.leads = share.first == 0 && share.row < rows;
    return share;
}

/// The sum over the threads of a row, a fixed tree, the same in all of them. `memory` has HL_CUDA_THREADS places; all
/// threads of a block call.
template <class T>
HL_DEVICE T row_sum(T value, T *memory, unsigned lanes) {
    const unsigned lane = threadIdx.x & (lanes - 1);
    memory[threadIdx.x] = value;
    HL_BARRIER();
    for (unsigned half = lanes / 2; half; half >>= 1) {
        if (lane < half) memory[threadIdx.x] += memory[threadIdx.x + half];
        HL_BARRIER();
    }
    const T sum = memory[threadIdx.x - lane];
    HL_BARRIER();
    return sum;
}

/// The greatest, likewise.
HL_DEVICE float row_max(float value, float *memory, unsigned lanes) {
    const unsigned lane = threadIdx.x & (lanes - 1);
    memory[threadIdx.x] = value;
    HL_BARRIER();
    for (unsigned half = lanes / 2; half; half >>= 1) {
        if (lane < half) memory[threadIdx.x] = fmaxf(memory[threadIdx.x], memory[threadIdx.x + half]);
        HL_BARRIER();
    }
    const float most = memory[threadIdx.x - lane];
    HL_BARRIER();
    return most;
}

// MARK: Functions

/// e^x with the arithmetic, and the bits, of CKernels' exponential.h.
HL_DEVICE float hl_exp(float x) {
    float clamped = x < -87.0f ? -87.0f : x;
    clamped = clamped > 88.0f ? 88.0f : clamped;
    const float shifted = clamped * 1.44269504088896341f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    const float r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return x != x ? x : p * float_of((bits_of(shifted) - 0x4b400000u + 127u) << 23);
}
