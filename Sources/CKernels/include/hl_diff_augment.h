// Differentiable augmentation of a batch of images, for adversarial training.
//
// Zhao et al. 2020, https://arxiv.org/abs/2006.10738; code: https://github.com/mit-han-lab/data-efficient-gans
// (DiffAugment_pytorch.py): brightness, saturation, contrast, then translation with zeros from beyond the edges, then a
// square of zeros, all on values from -1 to 1. Every step is linear in the image, so that the way back needs none.
#pragma once
#include <stdbool.h>
#include <stdint.h>

/// What is done to one image, in the order of the fields.
typedef struct {
    /// Whether it is mirrored.
    bool flip;
    /// Added to every value.
    float brightness;
    /// Factors on the distance to the pixel's mean over colours, and to the image's mean.
    float saturation, contrast;
    /// Pixels by which it moves down and to the right.
    int32_t down, right;
    /// A box of zeros, rows and columns first ..< last within the image; none where they are equal.
    int32_t first_row, last_row, first_column, last_column;
} hl_diff_augment_parameters;

/// Images `first` ..< `last` of a batch.
///
/// images: [B, 3, side, side] planar, u8 0 to 255 where `is_u8`, else f32 0 to 1; p: [B];
/// out: [B, 3, side, side] f32, about -1 to 1. All pointers are those of the whole batch.
void hl_diff_augment(const void *images, int is_u8, int side, int first, int last, const hl_diff_augment_parameters *p,
                     float *out);

/// The way back: gradients with regard to images 0 to 1.
void hl_diff_augment_backward(const float *gradient, int side, int first, int last, const hl_diff_augment_parameters *p,
                              float *out);
