// Convolution as a matrix product (Chellapilla, Puri and Simard 2006, https://inria.hal.science/inria-00112631, section
// 3.2).
#pragma once
#include <stddef.h>

/// im2col of one image [channels][height][width] into [channels * kernel²][out positions]; positions beyond the image
/// are 0. `padding` rows and columns lie around it, `trailing` more behind its last.
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.Unfold.html
void hl_im2col(const float *image, float *columns, size_t channels, size_t height, size_t width, size_t kernel,
               size_t stride, size_t padding, size_t trailing);
/// Its adjoint. https://docs.pytorch.org/docs/stable/generated/torch.nn.Fold.html
void hl_col2im(const float *columns, float *image, size_t channels, size_t height, size_t width, size_t kernel,
               size_t stride, size_t padding, size_t trailing);
