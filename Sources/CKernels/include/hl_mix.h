// 1 x 1 convolutions to a few channels with weights of their own for every sample: StyleGAN2's toRGB, which reads much
// and computes little. ToRGBLayer of https://github.com/NVlabs/stylegan2-ada-pytorch/blob/main/training/networks.py;
// the general operation is https://docs.pytorch.org/docs/stable/generated/torch.bmm.html
#pragma once
#include "hl_planes.h"

enum { HL_MIX_LIMIT = 4 };

/// y[o] = sum over channels of weights[o][c] * x[c] for positions first..<last of one sample. x is that sample in any
/// layout, f32 or bf16, y row-major [outputs][positions], outputs at most HL_MIX_LIMIT, weights [outputs][blocks * block].
void hl_mix_channels(hl_planes p, const void *x, const float *weights, size_t outputs, size_t first, size_t last,
                     float *y);
/// The gradients of one block of channels of one sample: x's, and that of the weights over all positions.
void hl_mix_channels_backward(hl_planes p, size_t which, const void *x, const float *weights, size_t outputs,
                              const float *gradient, void *input_gradient, float *weight_gradient);
