// Depthwise convolution: every channel by a kernel of its own (Sandler et al. 2018, https://arxiv.org/abs/1801.04381,
// section 3.1; torch.nn.functional.conv2d with as many groups as channels). Row-major planes.
#pragma once
#include <stddef.h>

/// `padding` zeros lie around the input; where the output asks for more behind its last row and column, those are zeros
/// too.
typedef struct {
    size_t height, width, out_height, out_width, kernel, stride, padding;
} hl_depthwise_shape;

/// One plane: y [out_height][out_width] of x [height][width] and weight [kernel][kernel].
void hl_depthwise(const hl_depthwise_shape *s, const float *x, const float *weight, float *y);
/// The gradient of one plane with regard to x.
void hl_depthwise_input_gradient(const hl_depthwise_shape *s, const float *gradient, const float *weight,
                                 float *input_gradient);
/// The gradient of one channel with regard to its weight, summed over samples whose planes lie `input_step` and
/// `output_step` floats apart.
void hl_depthwise_weight_gradient(const hl_depthwise_shape *s, size_t samples, const float *x, size_t input_step,
                                  const float *gradient, size_t output_step, float *weight_gradient);
