// The augmentation T_x. Images lie channels last, [B, H, W, 3].
#pragma once
#include "types.h"

#define HL_CUDA_AUGMENTATION_KERNELS(X)      \
    X(augmentation, augment_crop, 1)         \
    X(augmentation, augment_contrast, 1)     \
    X(augmentation, augment_blur_columns, 0) \
    X(augmentation, augment_blur_rows, 0)    \
    X(augmentation, augment_backward, 0)

/// What T_x does to one image: hl_augment_parameters, field by field.
typedef struct {
    int top, left, height, width;
    unsigned char flip, colour, grey;
    unsigned char order[4];
    float brightness, contrast, saturation, hue;
    float blur_sigma;
    int blur_radius;
} hl_cuda_augmentation;

/// Results of a batch, [B, size, size, 3], of which a block takes one piece of one image; an image has `pieces`. They
/// are (value - mean) * scale where nothing else is left to do.
typedef struct {
    float *y;
    const hl_cuda_augmentation *parameters;
    unsigned size, pieces;
    float mean[3], scale[3];
} hl_cuda_augmented;

/// Crop, resize and flip images of height * width pixels, f32 0 to 1, or u8 where `bytes`; then all of the colours but
/// what comes behind a change of the contrast. lumas: [B, pieces], the sums of the lumas where one follows.
typedef struct {
    hl_cuda_augmented to;
    const void *x;
    double *lumas;
    unsigned height, width;
    int bytes;
} hl_cuda_augment_crop;

/// The contrast, in place, and what comes behind it, in those images whose numbers are in `images`.
typedef struct {
    hl_cuda_augmented to;
    const double *lumas;
    const int *images;
} hl_cuda_augment_contrast;

/// The first half of the blur, down the columns, of the images whose numbers are in `images`, into as many others, x.
/// taps: 2 * radius + 1 for each of these images, `taps_stride` from one image to the next.
typedef struct {
    hl_cuda_augmented to;
    float *x;
    const int *images;
    const float *taps;
    unsigned taps_stride;
} hl_cuda_augment_blur_columns;

/// The second half, along the rows, from there back into their places.
typedef struct {
    hl_cuda_augmented to;
    const float *x;
    const int *images;
    const float *taps;
    unsigned taps_stride;
} hl_cuda_augment_blur_rows;

/// The way back of crops alone: x [B, height, width, 3] is y * scale within the box of size * size pixels, 0 beyond it.
typedef struct {
    float *x;
    const float *y;
    const hl_cuda_augmentation *parameters;
    unsigned count, height, width, size;
    float scale[3];
} hl_cuda_augment_backward;

/// Pixels of a piece: what the CPU sums up in f32 before it goes on in f64.
#define HL_CUDA_AUGMENT_PIECE 512
