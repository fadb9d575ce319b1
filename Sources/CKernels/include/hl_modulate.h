// Scale, shift, noise, activation and gain of activations in one pass over memory, with the depth-to-space
// rearrangement that ends an upsampling convolution taken along.
//
// With StyleGAN2 (Karras et al. 2020, https://arxiv.org/abs/1912.04958, section 2.2) the scale is the demodulation of
// equation 3, shift, noise and activation are bias, noise and leaky ReLU, and the gain is the next layer's modulation
// of equation 1: bias_act of https://github.com/NVlabs/stylegan2-ada-pytorch/blob/main/torch_utils/ops/bias_act.py
//
// With BigGAN (https://arxiv.org/abs/1809.11096, appendix B) scale and shift are class-conditional batch norm, and the
// activation ReLU. Phases are torch.nn.PixelShuffle's, but the channels of one phase lie together:
// https://docs.pytorch.org/docs/stable/generated/torch.nn.PixelShuffle.html
#pragma once
#include "hl_planes.h"

/// act(u) = clamp(gain * (u > 0 ? u : slope * u)); `clamp` may be INFINITY.
typedef struct {
    float slope, gain, clamp;
} hl_activation;

/// y = act(x * scale + shift + noise) * gain, where y has the planes `out`, `width` positions to a row. x, y and their
/// gradients are f32 or bf16, as `out` says; all else is f32.
typedef struct {
    hl_planes out;
    size_t width;
    /// x has y's planes, or four times its channels at half its size: channel p * C + c of x holds y's channel c at the
    /// positions of phase p = 2 * (row mod 2) + column mod 2.
    int phases;
    /// With phases: 1 where x has one row and column more than half of y's, and odd rows and columns begin at 1.
    size_t overlap;
    /// Values from one position of x to the next: the step of `out`, or of channels last with phases four times as many.
    size_t source_step;
    hl_activation activation;
    /// Per channel, [samples or 1][channels], with the floats between samples; NULL is 1, 0 and 1.
    const float *scale, *shift, *gain;
    size_t scale_stride, shift_stride, gain_stride;
    /// Per position, [samples or 1][positions]; NULL is 0.
    const float *noise;
    size_t noise_stride;
} hl_modulation;

/// One block of channels of one sample; `task` counts samples * blocks of y.
void hl_modulate(const hl_modulation *m, size_t task, const void *x, void *y);

/// The gradients of one block: that of x, in x's planes, and the sums over positions for scale, shift and gain,
/// [samples][channels] each; NULL for those not wanted.
void hl_modulate_backward(const hl_modulation *m, size_t task, const void *x, const void *gradient,
                          void *input_gradient, float *scale_gradient, float *shift_gradient, float *gain_gradient);
