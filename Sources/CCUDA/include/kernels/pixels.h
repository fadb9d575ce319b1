// Pixels to bytes, and differentiable augmentation. Images lie channels last, [B, H, W, 3].
#pragma once
#include "types.h"

#define HL_CUDA_PIXELS_KERNELS(X)     \
    X(pixels, round_pixels, 0)        \
    X(pixels, differentiable_sums, 0) \
    X(pixels, differentiable_mix, 1)

/// y[i] = round(255 x[i]), cut off at 0 and 255; NaN becomes 0.
typedef struct {
    const float *x;
    unsigned char *y;
    unsigned count;
} hl_cuda_round_pixels;

/// What differentiable augmentation does to one image: hl_diff_augment_parameters, field by field.
typedef struct {
    unsigned char flip, unused[3];
    float brightness, saturation, contrast;
    int down, right, first_row, last_row, first_column, last_column;
} hl_cuda_differentiable;

/// Images of side * side pixels: f32 0 to 1, or u8 where `bytes`; on the way back gradients, f32.
typedef struct {
    const void *x;
    const hl_cuda_differentiable *parameters;
    unsigned batch, side;
    int bytes, backward;
} hl_cuda_differentiable_images;

/// The sums of rows before colours change, [B, S, 3] (row, channel): from -1 to 1 and mirrored; on the way back of
/// gradients cut and moved.
typedef struct {
    hl_cuda_differentiable_images images;
    float *sums;
} hl_cuda_differentiable_sums;

/// The images or gradients, changed. A block takes a piece of one image, of which there are `pieces`. sums: as above,
/// read where colours change.
typedef struct {
    hl_cuda_differentiable_images images;
    const float *sums;
    float *y;
    unsigned pieces;
} hl_cuda_differentiable_mix;

/// Pixels of such a piece.
#define HL_CUDA_DIFFERENTIABLE_PIECE 1024
