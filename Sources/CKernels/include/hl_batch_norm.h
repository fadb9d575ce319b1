// Batch normalisation, forward and backward (Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167, algorithm 1 and
// the derivatives of section 3), as torch.nn.BatchNorm2d has it:
// https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
//
// Activations and their gradients are f32 or bf16, as the planes say; all else is f32. Calls work on one block of
// channels (`which`), so that callers spread blocks over threads and no sum ever crosses
// threads.
#pragma once
#include "hl_planes.h"

/// What moments are taken around: the first value of each channel, `block` of them. It keeps the variance free of
/// cancellation.
void hl_batch_norm_pivot(hl_planes p, size_t which, const void *x, float *pivot);

/// Sums of x - pivot and of its square over samples and positions, `block` values each; in float over a sample, in double over
/// samples. `scratch`: 4 * block floats.
void hl_batch_norm_moments(hl_planes p, size_t which, const void *x, const float *pivot, double *sum, double *square,
                           float *scratch);

/// Mean and biased variance of `channels` channels of `count` values each, from their moments: algorithm 1, first and second
/// line.
void hl_batch_norm_statistics(size_t channels, double count, const float *pivot, const double *sum,
                              const double *square, float *mean, float *variance);

/// y = x * scale + shift (+ residual), then ReLU if asked: algorithm 1, third and fourth line, with scale = γ / σ and
/// shift = β - mean * scale. `scale` and `shift` hold `block` values. y is neither x nor the residual.
void hl_batch_norm_apply(hl_planes p, size_t which, const void *x, const void *residual, void *y, const float *scale,
                         const float *shift, int relu);

/// What ReLU let pass, if one was taken: where `output` is above 0, or, without it, where x * scale + shift is, `block`
/// values each, by which `hl_batch_norm_apply` made it. All are NULL without ReLU.
typedef struct {
    const void *output;
    const float *scale, *shift;
} hl_relu_mask;

/// Sums of g and of g * (x - mean), where g is the gradient behind ReLU: section 3's ∂l/∂β and σ ∂l/∂γ.
/// g goes to `kept`, which may be `gradient` itself, unless that is NULL. The gradient is the sum of `gradient` and `addend`
/// unless that is NULL, which it is without `kept`. `scratch`: 2 * block floats.
void hl_batch_norm_backward_sums(hl_planes p, size_t which, const void *gradient, const void *addend, hl_relu_mask relu,
                                 const void *x, const float *mean, double *sum, double *sum_centred, void *kept,
                                 float *scratch);

/// input_gradient = a * g + b * x + c: section 3's ∂l/∂x, with a = γ / σ, b = -γ / σ³ * mean of g * (x - mean) and
/// c = -γ / σ * mean of g - b * mean. It may be `gradient` itself.
void hl_batch_norm_backward_apply(hl_planes p, size_t which, const void *gradient, hl_relu_mask relu, const void *x,
                                  void *input_gradient, const float *a, const float *b, const float *c);
