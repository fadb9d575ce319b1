#include "hl_im2col.h"

#include <string.h>

void hl_im2col(const float *image, float *columns, size_t channels, size_t height, size_t width, size_t kernel,
               size_t stride, size_t padding, size_t trailing) {
    const size_t out_height = (height + 2 * padding + trailing - kernel) / stride + 1;
    const size_t out_width = (width + 2 * padding + trailing - kernel) / stride + 1;
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < kernel; i++)
            for (size_t k = 0; k < kernel; k++)
                for (size_t row = 0; row < out_height; row++) {
                    const size_t r = row * stride + i - padding;  // wraps past the top: too large, then
                    for (size_t column = 0; column < out_width; column++) {
                        const size_t at = column * stride + k - padding;
                        *columns++ = r < height && at < width ? image[(c * height + r) * width + at] : 0.0f;
                    }
                }
}

void hl_col2im(const float *columns, float *image, size_t channels, size_t height, size_t width, size_t kernel,
               size_t stride, size_t padding, size_t trailing) {
    const size_t out_height = (height + 2 * padding + trailing - kernel) / stride + 1;
    const size_t out_width = (width + 2 * padding + trailing - kernel) / stride + 1;
    memset(image, 0, channels * height * width * sizeof(float));
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < kernel; i++)
            for (size_t k = 0; k < kernel; k++)
                for (size_t row = 0; row < out_height; row++) {
                    const size_t r = row * stride + i - padding;
                    for (size_t column = 0; column < out_width; column++, columns++) {
                        const size_t at = column * stride + k - padding;
                        if (r < height && at < width) image[(c * height + r) * width + at] += *columns;
                    }
                }
}
