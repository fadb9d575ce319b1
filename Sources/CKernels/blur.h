// Separable Gaussian blur, borders reflected without repeating the edge.
// https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.v2.functional.gaussian_blur.html
#pragma once

/// The 2 * radius + 1 taps of a Gaussian of standard deviation sigma, which add up to 1.
void hl_gaussian_kernel(int radius, float sigma, float *kernel);

/// One plane, columns before rows; radius is below both sides. padded: width + 2 * radius floats; `out` must not
/// overlap `in`.
void hl_blur_plane(const float *in, int height, int width, int radius, const float *kernel, float *padded, float *out);
