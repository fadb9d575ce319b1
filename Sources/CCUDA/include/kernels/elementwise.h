// Value by value; channels mixed to a few, and the first three as images: channels last.
#pragma once
#include "types.h"

#define HL_CUDA_ELEMENTWISE_KERNELS(X)   \
    X(elementwise, add, 0)               \
    X(elementwise, multiply, 0)          \
    X(elementwise, scale, 0)             \
    X(elementwise, inverse_root, 0)      \
    X(elementwise, relu, 0)              \
    X(elementwise, relu_backward, 0)     \
    X(elementwise, to_image, 0)          \
    X(elementwise, to_image_backward, 0) \
    X(elementwise, mix_channels, 1)      \
    X(elementwise, mix_channels_backward, 1)

/// z[i] = x[i] + y[i]; z may be x or y in all of these.
typedef struct {
    hl_cuda_values x, y, z;
    unsigned count;
} hl_cuda_add;

/// z[i] = x[i] * y[i]
typedef hl_cuda_add hl_cuda_multiply;

/// z[i] = x[i] > 0 ? y[i] : 0
typedef hl_cuda_add hl_cuda_relu_backward;

/// y[i] = x[i] * parameter
typedef struct {
    hl_cuda_values x, y;
    unsigned count;
    float parameter;
} hl_cuda_scale;

/// y[i] = 1 / sqrt(x[i] + parameter)
typedef hl_cuda_scale hl_cuda_inverse_root;

/// y[i] = max(x[i], 0), NaN of NaN; no parameter.
typedef hl_cuda_scale hl_cuda_relu;

/// The first three of `channels` values of every position as brightness 0...1: (tanh x + 1) / 2, or (x + 1) / 2 cut off
/// where `clamps`. `count` counts the values of the image.
typedef struct {
    hl_cuda_values x;
    float *image;
    unsigned count, channels;
    int clamps;
} hl_cuda_to_image;

/// The way back; 0 in all further channels. `count` counts the values of x.
typedef struct {
    const float *image, *gradient;
    hl_cuda_values x;
    unsigned count, channels;
    int clamps;
} hl_cuda_to_image_backward;

#define HL_CUDA_MIX_OUTPUTS 4
#define HL_CUDA_MIX_POSITIONS 128

/// y [samples][positions][outputs] = x [samples][positions][channels] times weights [samples][outputs][channels], with
/// at most HL_CUDA_MIX_OUTPUTS outputs. A sample has a block for every HL_CUDA_MIX_POSITIONS of its positions: `parts`.
typedef struct {
    hl_cuda_values x;
    const float *weights;
    float *y;
    unsigned positions, channels, outputs, wide, parts;
} hl_cuda_mix_channels;

/// The way back: the gradient of x, and sums over each of the parts for the weights,
/// [samples][parts][outputs][channels]. Blocks share out vectors of channels and positions as those of sums.cuh's
/// channel_share.
typedef struct {
    hl_cuda_values x, input_gradient;
    const float *weights, *gradient;
    float *sums;
    unsigned positions, channels, outputs, wide, lanes, tiles, parts, span;
} hl_cuda_mix_channels_backward;
