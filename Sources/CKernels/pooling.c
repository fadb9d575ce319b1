#include "hl_pooling.h"

#include <math.h>
#include <string.h>

#include "blocks.h"
#include "clones.h"

static inline size_t pooled(size_t size, size_t window, size_t stride, size_t padding) {
    return (size + 2 * padding - window) / stride + 1;
}

HL_INLINE int has_nan(const float *x, size_t n) {
    int found = 0;
    for (size_t i = 0; i < n; i++) found |= x[i] != x[i];
    return found;
}

// The maxima of one window for `block` channels; with a constant block they stay in registers. NaN wins where `broken`
// is not 0; that takes a second comparison, for which the compiler has no fast code.
HL_INLINE void pool_window(const float *source, float *y, uint8_t *chosen, size_t top, size_t left, size_t height,
                           size_t width, size_t block, size_t window, int broken) {
    float best[16];
    int32_t index[16];
    for (size_t j = 0; j < block; j++) {
        best[j] = -INFINITY;
        index[j] = -1;
    }
    for (size_t i = 0; i < window; i++) {
        const size_t r = top + i;  // wraps past the top: too large, then
        if (r >= height) continue;
        for (size_t k = 0; k < window; k++) {
            const size_t c = left + k;
            if (c >= width) continue;
            const float *value = source + (r * width + c) * block;
            const int32_t offset = (int32_t)(i * window + k);
            for (size_t j = 0; j < block; j++) {
                const int greater = broken ? (value[j] > best[j]) | (value[j] != value[j]) : !(value[j] <= best[j]);
                const int larger = greater | (index[j] < 0);
                best[j] = larger ? value[j] : best[j];
                index[j] = larger ? offset : index[j];
            }
        }
    }
    for (size_t j = 0; j < block; j++) {
        y[j] = best[j];
        chosen[j] = (uint8_t)index[j];
    }
}

typedef struct {
    size_t height, width, out_height, out_width, window, stride, padding;
} pooling;

HL_INLINE void pool_plane(pooling p, const float *source, float *y, uint8_t *chosen, size_t block, int broken) {
    for (size_t row = 0; row < p.out_height; row++)
        for (size_t column = 0; column < p.out_width; column++) {
            const size_t at = (row * p.out_width + column) * block;
            pool_window(source, y + at, chosen + at, row * p.stride - p.padding, column * p.stride - p.padding,
                        p.height, p.width, block, p.window, broken);
        }
}

HL_CLONES void hl_max_pool(const float *x, float *y, uint8_t *chosen, size_t first, size_t last, size_t height,
                           size_t width, size_t block, size_t window, size_t stride, size_t padding) {
    const pooling p = {
        height, width,  pooled(height, window, stride, padding), pooled(width, window, stride, padding), window,
        stride, padding};
    const size_t size = height * width * block, out_size = p.out_height * p.out_width * block;
    for (size_t plane = first; plane < last; plane++) {
        const float *source = x + plane * size;
        // As in PyTorch: a broken activation must not vanish here.
        if (has_nan(source, size))
            pool_plane(p, source, y + plane * out_size, chosen + plane * out_size, block, 1);
        else
            HL_FOR_BLOCK(16 | 8 | 1, block,
                         pool_plane(p, source, y + plane * out_size, chosen + plane * out_size, BLOCK, 0));
    }
}

HL_CLONES void hl_max_pool_backward(const float *gradient, const uint8_t *chosen, float *input_gradient, size_t first,
                                    size_t last, size_t height, size_t width, size_t block, size_t window,
                                    size_t stride, size_t padding) {
    const size_t out_height = pooled(height, window, stride, padding);
    const size_t out_width = pooled(width, window, stride, padding);
    for (size_t plane = first; plane < last; plane++) {
        float *target = input_gradient + plane * height * width * block;
        memset(target, 0, height * width * block * sizeof(float));
        for (size_t row = 0; row < out_height; row++)
            for (size_t column = 0; column < out_width; column++) {
                const size_t at = ((plane * out_height + row) * out_width + column) * block;
                for (size_t i = 0; i < window; i++) {
                    const size_t r = row * stride + i - padding;
                    if (r >= height) continue;
                    for (size_t k = 0; k < window; k++) {
                        const size_t c = column * stride + k - padding;
                        if (c >= width) continue;
                        const uint8_t offset = (uint8_t)(i * window + k);
                        float *cell = target + (r * width + c) * block;
                        for (size_t j = 0; j < block; j++)
                            cell[j] += chosen[at + j] == offset ? gradient[at + j] : 0.0f;
                    }
                }
            }
    }
}

HL_CLONES void hl_average_pool(hl_planes p, size_t channels, size_t first, size_t last, const float *x, float *y) {
    const float scale = 1.0f / (float)p.positions;
    for (size_t n = first; n < last; n++)
        for (size_t b = 0; b < p.blocks; b++) {
            const float *source = x + (n * p.blocks + b) * p.positions * p.block;
            for (size_t j = 0; j < p.block && b * p.block + j < channels; j++) {
                float sum = 0;
                for (size_t i = 0; i < p.positions; i++) sum += source[i * p.block + j];
                y[n * channels + b * p.block + j] = sum * scale;
            }
        }
}

HL_CLONES void hl_average_pool_backward(hl_planes p, size_t channels, size_t first, size_t last, const float *gradient,
                                        float *input_gradient) {
    const float scale = 1.0f / (float)p.positions;
    for (size_t n = first; n < last; n++)
        for (size_t b = 0; b < p.blocks; b++) {
            float *target = input_gradient + (n * p.blocks + b) * p.positions * p.block;
            for (size_t i = 0; i < p.positions; i++)
                for (size_t j = 0; j < p.block; j++) {
                    const size_t channel = b * p.block + j;
                    target[i * p.block + j] = channel < channels ? gradient[n * channels + channel] * scale : 0.0f;
                }
        }
}
