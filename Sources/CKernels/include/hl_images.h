// The last steps from activations to images 0...1.
#pragma once
#include <stdint.h>

#include "hl_planes.h"

/// How values become brightness: (tanh x + 1) / 2 (BigGAN's last layer, https://arxiv.org/abs/1809.11096, appendix B),
/// or (x + 1) / 2 cut off at 0 and 1 (https://github.com/NVlabs/stylegan2-ada-pytorch/blob/main/generate.py).
typedef enum { HL_SQUASH_TANH, HL_SQUASH_CLAMP } hl_squash;

/// The first three channels of one sample, in any layout and of either type, as a row-major image [3][positions].
void hl_to_image(hl_planes p, hl_squash squash, const void *x, float *image);
/// The way back from the image and its gradient; further channels get 0.
void hl_to_image_backward(hl_planes p, hl_squash squash, const float *image, const float *gradient,
                          void *input_gradient);

/// A linear map along one direction: output i is the sum over k < counts[i] of weights[i * most + k] * input[starts[i]
/// + k]. What resizing by interpolation, cropping and their adjoints are:
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html
typedef struct {
    size_t count, most;
    const int32_t *starts, *counts;
    const float *weights;
} hl_taps;

/// The map along the rows of a matrix [rows][width], rows first..<last; y is [rows][taps.count].
void hl_resample_along(hl_taps taps, const float *x, float *y, size_t first, size_t last, size_t width);
/// The map down the columns of planes [height][width]; y is [taps.count][width] per plane.
void hl_resample_down(hl_taps taps, const float *x, float *y, size_t first, size_t last, size_t height, size_t width);
