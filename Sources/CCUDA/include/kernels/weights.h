// Weights before they are used: wide kernels, and division by the largest singular value.
#pragma once
#include "types.h"

#define HL_CUDA_WEIGHTS_KERNELS(X) \
    X(weights, widen, 1)           \
    X(weights, widen_backward, 1)  \
    X(weights, spectral_unit, 1)   \
    X(weights, spectral_scale, 1)  \
    X(weights, spectral_along, 1)  \
    X(weights, spectral_backward, 1)

/// wide [outputs][4][4][inputs], or with `upsampling` [inputs][4][4][outputs], from weight [outputs][3][3][inputs],
/// times `scale` (hl_widen.h). Blocks along x take 32 x 32 channels, blocks along y a tap.
typedef struct {
    const float *weight;
    float *wide;
    unsigned outputs, inputs;
    int upsampling;
    float scale;
} hl_cuda_widen;

/// The adjoint.
typedef struct {
    const float *wide;
    float *weight;
    unsigned outputs, inputs;
    int upsampling;
    float scale;
} hl_cuda_widen_backward;

/// y = x / max(|x|, epsilon), and the same in another order, where x is [taps][inputs] and `ordered` [inputs][taps];
/// the two may be one where there is a single tap. One block.
typedef struct {
    const float *x;
    float *y, *ordered;
    unsigned count, inputs, taps;
    float epsilon;
} hl_cuda_spectral_unit;

/// left = image / max(|image|, epsilon) of `rows` values, value = image . left, y = weight / value.
typedef struct {
    const float *weight, *image;
    float *y, *left, *value;
    unsigned count, rows;
    float epsilon;
} hl_cuda_spectral_scale;

/// Sums of gradient * weight, one a block.
typedef struct {
    const float *gradient, *weight;
    double *sums;
    unsigned count;
} hl_cuda_spectral_along;

/// y = (gradient - (sum of sums) left right) / value of [rows][taps][inputs], where right is [inputs][taps]; at most
/// HL_CUDA_THREADS sums.
typedef struct {
    const float *gradient, *left, *right, *value;
    const double *sums;
    float *y;
    unsigned parts, count, inputs, taps;
} hl_cuda_spectral_backward;
