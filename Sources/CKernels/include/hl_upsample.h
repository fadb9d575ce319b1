// Doubling the side of activations, and the ways back. With `narrow` not 0 they are bf16.
#pragma once
#include "hl_planes.h"

/// large += nearest-neighbour upsampling of small, whose planes of `height` rows are first..<last, counted over
/// samples * blocks. https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html
void hl_add_upsampled(const void *small, void *large, size_t first, size_t last, size_t height, size_t width,
                      size_t block, int narrow);
/// The same from nothing.
void hl_upsample(const void *small, void *large, size_t first, size_t last, size_t height, size_t width, size_t block,
                 int narrow);
/// small = sums over squares of 2 x 2 of large: the adjoint.
void hl_sum_squares(const void *large, void *small, size_t first, size_t last, size_t height, size_t width,
                    size_t block, int narrow);

/// Zero insertion, then a filter of 4 x 4 taps, of row-major planes first..<last of height x width:
/// large[2i + p] = sum over d of small[i + d] * taps[p][d + 1], with d = -1, 0 for p = 0 and 0, 1 for p = 1, in both
/// directions. `taps` is [2][2][2][2]: phase of the row, of the column, earlier or later row, earlier or later column.
/// StyleGAN2's upsampling of the skip connection:
/// upsample2d of https://github.com/NVlabs/stylegan2-ada-pytorch/blob/main/torch_utils/ops/upfirdn2d.py
void hl_filter_upsampled(const float *small, float *large, size_t first, size_t last, size_t height, size_t width,
                         const float *taps);
/// The adjoint.
void hl_filter_upsampled_backward(const float *large, float *small, size_t first, size_t last, size_t height,
                                  size_t width, const float *taps);
