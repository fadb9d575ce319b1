// What generators do to every channel between two convolutions: channels last.
#pragma once
#include "types.h"

#define HL_CUDA_MODULATION_KERNELS(X)   \
    X(modulation, modulate, 0)          \
    X(modulation, modulate_backward, 1) \
    X(modulation, add_channel_parts, 1)

/// The channels of x, [samples][places][channels], and of y. The places are `height` * `width` positions; with `phases`
/// y is twice as large, and the places are the phases of x, [rows][columns][2][2], whose odd rows and columns of y
/// begin at `overlap`; height and width are those of x.
typedef struct {
    unsigned channels, height, width, phases, overlap;
} hl_cuda_phase_shape;

/// act(u) = clamp(gain * (u > 0 ? u : slope * u))
typedef struct {
    float slope, gain, clamp;
} hl_cuda_activation;

/// Per channel, and per position of y; NULL where there are none. The steps lead from one sample's to those of the
/// next, and are 0 where all samples have the same.
typedef struct {
    const float *scale, *shift, *gain, *noise;
    unsigned scale_step, shift_step, gain_step, noise_step;
} hl_cuda_coefficients;

/// How blocks share out channels, in vectors of 16 bytes where `wide`, and places (sums.cuh, channel_share).
typedef struct {
    unsigned wide, lanes, tiles, parts, span;
} hl_cuda_channel_tiles;

/// y = act(x * scale + shift + noise) * gain
typedef struct {
    hl_cuda_values x, y;
    hl_cuda_phase_shape shape;
    hl_cuda_coefficients coefficients;
    hl_cuda_activation activation;
    hl_cuda_channel_tiles tiles;
} hl_cuda_modulate;

/// The way back: the gradient of x, and sums over each of the parts, [samples][parts][channels], of what scale, shift
/// and gain get.
typedef struct {
    hl_cuda_values x, gradient, input_gradient;
    float *scale_sums, *shift_sums, *gain_sums;
    hl_cuda_phase_shape shape;
    hl_cuda_coefficients coefficients;
    hl_cuda_activation activation;
    hl_cuda_channel_tiles tiles;
} hl_cuda_modulate_backward;

/// y [outer][inner] is the sum over the parts of x [outer][parts][inner]; a block sums HL_CUDA_PART_COLUMNS columns. Up
/// to three such pairs in one launch, one behind the other.
typedef struct {
    const float *x[3];
    float *y[3];
    unsigned outer, parts, inner;
} hl_cuda_add_channel_parts;

#define HL_CUDA_PART_COLUMNS 16
