// Maxima over windows and means over positions.
#pragma once
#include <stdint.h>

#include "hl_planes.h"

/// Max pooling of planes first..<last, counted over samples * blocks; block is 1, 8 or 16. `chosen` holds the window
/// offset of each maximum (the first of equals, as PyTorch has it; NaN wins). Values are bf16 where `narrow` is not 0.
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html
void hl_max_pool(const void *x, void *y, uint8_t *chosen, size_t first, size_t last, size_t height, size_t width,
                 size_t block, size_t window, size_t stride, size_t padding, int narrow);
/// input_gradient = the sum of the gradients of all windows that chose the position.
void hl_max_pool_backward(const void *gradient, const uint8_t *chosen, void *input_gradient, size_t first, size_t last,
                          size_t height, size_t width, size_t block, size_t window, size_t stride, size_t padding,
                          int narrow);
/// Sums of g and of g * (x - mean) over one plane, `block` values each: `gradient` counts where its window chose, and x is any
/// values of the places that were pooled, such as what a batch norm made these of. With g as `hl_max_pool_backward` spreads it,
/// but not rounded where windows overlap. Windows are at most 16 wide.
void hl_max_pool_sums(const void *gradient, const uint8_t *chosen, const void *x, size_t height, size_t width,
                      size_t block, size_t window, size_t stride, size_t padding, const float *mean, float *sum,
                      float *centred, int narrow);

/// Means over positions, samples first..<last, into a matrix [samples][channels]: AdaptiveAvgPool2d(1).
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html
void hl_average_pool(hl_planes p, size_t channels, size_t first, size_t last, const void *x, float *y);
void hl_average_pool_backward(hl_planes p, size_t channels, size_t first, size_t last, const float *gradient,
                              void *input_gradient);
