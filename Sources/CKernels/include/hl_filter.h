// A filter of four taps in both directions over activations in any layout.
#pragma once
#include "hl_planes.h"

/// y[n] = sum over k of taps[k] * x[n + k - offset] along both sides of square planes; x beyond its sides is 0. Rows
/// first..<last of y, counted over samples * blocks * out_side. With `narrow` not 0 x and y are bf16. It follows StyleGAN2's
/// transposed convolution: filter2d of
/// https://github.com/NVlabs/stylegan2-ada-pytorch/blob/main/torch_utils/ops/upfirdn2d.py `scratch`: (side + 4) * block
/// floats.
void hl_filter_rows(const void *x, void *y, size_t first, size_t last, size_t side, size_t out_side, size_t offset,
                    const float *taps, size_t block, int narrow, float *scratch);
