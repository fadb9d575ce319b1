// Kernels of an upsampling convolution, made from those of the convolution alone.
#pragma once
#include <stddef.h>

/// Kernels of 9 taps to four kernels of `taps` (4 or 9) each: target[p][n][t] = sum over a of matrix[a][p * taps + t] *
/// source[n][a], where the matrix has 16 columns, or 48 with 12 unused. Upsampling, filter and convolution become one
/// convolution with a kernel for each of the four phases of the output (sub-pixel convolution, Shi et al. 2016, section
/// 3.2, https://arxiv.org/abs/1609.05158).
void hl_combine_kernels(const float *source, float *target, size_t count, const float *matrix, size_t taps);
