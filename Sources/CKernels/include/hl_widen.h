// Kernels of 3 x 3 taps together with what changes the side next to them, as one kernel of 4 x 4 taps with stride 2 and
// padding 1: 16 products where the two after each other take 36.
//
// With means of squares of 2 x 2 behind it (https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html) a
// convolution by w is one with stride 2 by wide[p] = sum of w[a] over a = p, p - 1 (in both directions, by 1/4); with
// nearest-neighbour upsampling before it, the transposed convolution with stride 2 by wide[3 - p] and channels exchanged.
#pragma once
#include <stddef.h>

/// Rows first ..< last of a weight [outputs][inputs][3][3] to [outputs][inputs][4][4], or with `upsampling` to
/// [inputs][outputs][4][4], times `scale`.
void hl_widen(const float *weight, float *wide, size_t first, size_t last, size_t outputs, size_t inputs,
              int upsampling, float scale);
/// The adjoint.
void hl_widen_backward(const float *wide, float *weight, size_t first, size_t last, size_t outputs, size_t inputs,
                       int upsampling, float scale);
