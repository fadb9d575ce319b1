// Images and activations of another side: channels last, [samples][height][width][channels].
#pragma once
#include "types.h"

#define HL_CUDA_SIDES_KERNELS(X)           \
    X(sides, upsample, 0)                  \
    X(sides, add_upsampled, 0)             \
    X(sides, sum_squares, 0)               \
    X(sides, filter_upsampled, 0)          \
    X(sides, filter_upsampled_backward, 0) \
    X(sides, filter, 0)                    \
    X(sides, resample, 0)

/// large = small at twice its side, by nearest neighbours. `channels` counts vectors of 16 bytes where `wide`, else
/// values; `count` counts all those of small, and `width` is that of small.
typedef struct {
    hl_cuda_values small, large;
    unsigned count, width, channels, wide;
} hl_cuda_upsample;

/// large += small at twice its side
typedef hl_cuda_upsample hl_cuda_add_upsampled;

/// small = sums over squares of 2 * 2
typedef hl_cuda_upsample hl_cuda_sum_squares;

/// large = small with zeros inserted, filtered by 4 * 4 taps, which come by phase of row and column, then by earlier
/// and later row and column. `count` counts the values of small, whose height and width these are.
typedef struct {
    hl_cuda_values small, large;
    unsigned count, height, width, channels;
    float taps[16];
} hl_cuda_filter_upsampled;

/// The way back, from large to small.
typedef hl_cuda_filter_upsampled hl_cuda_filter_upsampled_backward;

/// y[n] = sum of taps[k] x[n + k - offset] along both sides, of x with `side` and y with `out_side` positions a side. A
/// thread makes four neighbours along a row: `runs` of these make a row, `count` counts all of them, of so many
/// `channels` (as above).
typedef struct {
    hl_cuda_values x, y;
    unsigned count, side, out_side, runs, channels, wide, offset;
    float taps[4];
} hl_cuda_filter;

/// y [outer][outputs][inner] of x [outer][inputs][inner], both of one type: output o is the sum of weights[o * most +
/// k] x[starts[o] + k], k below counts[o]. `inner` counts vectors of 16 bytes where `wide`, `count` those of y.
typedef struct {
    hl_cuda_values x, y;
    const int *starts, *counts;
    const float *weights;
    unsigned count, inputs, outputs, inner, wide, most;
} hl_cuda_resample;
