// Copies, conversions, and the order of values in memory.
#pragma once
#include "types.h"

#define HL_CUDA_MEMORY_KERNELS(X) \
    X(memory, fill, 0)            \
    X(memory, convert, 0)         \
    X(memory, permute, 0)         \
    X(memory, gather_rows, 0)

/// x[i] = value
typedef struct {
    float *x;
    unsigned count;
    float value;
} hl_cuda_fill;

/// y[i] = x[i], from f32 to bf16, rounded to the nearest, or back
typedef struct {
    hl_cuda_values x, y;
    unsigned count;
} hl_cuda_convert;

/// [samples][inner][outer] to [samples][outer][inner], of values of `size` bytes, 1, 2 or 4: channels first to last with
/// inner = channels, and back with inner = positions.
typedef struct {
    const void *x;
    void *y;
    unsigned count, inner, outer, size;
} hl_cuda_permute;

/// Row r of y is row at[r] of x; rows of `words` times four bytes, or of `bytes` where that is no multiple of four.
typedef struct {
    const void *x;
    const int *at;
    void *y;
    unsigned rows, words, bytes;
} hl_cuda_gather_rows;
