// Maxima over windows, of x [samples][height][width][channels] and y [samples][rows][columns][channels].
//
// A window of `window` x `window` places begins `padding` before the place that its number times `stride` gives; what
// lies outside of x takes no part. Where a maximum came from is counted in its window, row by row.
#pragma once
#include "types.h"

#define HL_CUDA_POOLING_KERNELS(X) \
    X(pooling, max_pool, 0)        \
    X(pooling, max_pool_back, 0)

/// y and chosen of x, the first of equals; NaN wins. `count` vectors of y, of 16 bytes where `wide`, else of one value.
typedef struct {
    hl_cuda_values x, y;
    unsigned char *chosen;
    unsigned count, wide, channels, height, width, rows, columns, window, stride, padding;
} hl_cuda_max_pool;

/// The gradient of x: what the windows over a place that have chosen it send back. `count` vectors of x.
typedef struct {
    hl_cuda_values gradient, result;
    const unsigned char *chosen;
    unsigned count, wide, channels, height, width, rows, columns, window, stride, padding;
} hl_cuda_max_pool_back;
