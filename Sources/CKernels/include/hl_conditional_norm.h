// The way back through a conditional batch norm with ReLU, y = max(0, x * scale + shift), where scale and shift depend on
// sample and channel and hold the statistics too.
//
// https://arxiv.org/abs/1809.11096, appendix B.4; ccbn of
// https://github.com/lukemelas/pytorch-pretrained-gans/blob/main/pytorch_pretrained_gans/BigBiGAN/model/layers.py
//
// Activations and their gradients are f32 or bf16, as the planes say; all else is f32.
#pragma once
#include "hl_planes.h"

/// The sums of one block of channels of one sample over its positions, with g the gradient behind ReLU: of g, and of
/// g * (x - mean). `task` counts samples * blocks. scale, shift, sum and centred are [samples][channels, padding included],
/// mean [channels].
void hl_conditional_norm_sums(hl_planes p, size_t task, const void *x, const void *gradient, const float *scale,
                              const float *shift, const float *mean, float *sum, float *centred);

/// The input's gradient of one such block: g * scale + on_x * x + offset; on_x and offset are [channels].
void hl_conditional_norm_apply(hl_planes p, size_t task, const void *x, const void *gradient, const float *scale,
                               const float *shift, const float *on_x, const float *offset, void *input_gradient);
