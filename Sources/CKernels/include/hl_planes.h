// Operations on activations. One description covers every layout in use:
//
//   [samples][blocks][positions][block]
//
// row-major NCHW has block = 1 and blocks = C; the blocked layout nChw16c has block = 16 and blocks = ceil(C / 16), with
// zeros in the padding; a matrix [B][d] has blocks = positions = 1 and block = d. Calls work on one block of channels
// (`which`), so that callers spread blocks over threads and no sum ever crosses threads.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t samples, blocks, positions, block;
} hl_planes;

/// Mean and biased variance over samples and positions, `block` values each. `scratch`: 4 * block floats.
void hl_batch_norm_statistics(hl_planes p, size_t which, const float *x, float *mean, float *variance, float *scratch);

/// y = x * scale + shift (+ residual), then ReLU if asked. `scale` and `shift` hold `block` values.
void hl_batch_norm_apply(hl_planes p, size_t which, const float *x, const float *residual, float *y, const float *scale,
                         const float *shift, int relu);

/// Sums of g and of g * (x - mean), where g is the gradient, masked by y > 0 if y is given. `scratch`: 2 * block floats.
void hl_batch_norm_backward_sums(hl_planes p, size_t which, const float *gradient, const float *y, const float *x,
                                 const float *mean, double *sum, double *sum_centred, float *scratch);

/// input_gradient = a * g + b * x + c; residual_gradient = g where it is wanted. May work in place on `gradient`.
void hl_batch_norm_backward_apply(hl_planes p, size_t which, const float *gradient, const float *y, const float *x,
                                  float *input_gradient, float *residual_gradient, const float *a, const float *b,
                                  const float *c);

/// Max pooling of planes first..<last, counted over samples * blocks; block is 1, 8 or 16. `chosen` holds the window offset of each maximum
/// (the first of equals, as PyTorch has it).
void hl_max_pool(const float *x, float *y, uint8_t *chosen, size_t first, size_t last, size_t height, size_t width,
                 size_t block, size_t window, size_t stride, size_t padding);
void hl_max_pool_backward(const float *gradient, const uint8_t *chosen, float *input_gradient, size_t first, size_t last,
                          size_t height, size_t width, size_t block, size_t window, size_t stride, size_t padding);

/// Means over positions, samples first..<last, into a matrix [samples][channels].
void hl_average_pool(hl_planes p, size_t channels, size_t first, size_t last, const float *x, float *y);
void hl_average_pool_backward(hl_planes p, size_t channels, size_t first, size_t last, const float *gradient,
                              float *input_gradient);

/// Between row-major [samples][channels][positions] and the blocked layout, samples first..<last.
void hl_block(hl_planes p, size_t channels, size_t first, size_t last, const float *plain, float *blocked);
void hl_unblock(hl_planes p, size_t channels, size_t first, size_t last, const float *blocked, float *plain);
