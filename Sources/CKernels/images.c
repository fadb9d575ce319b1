#include "hl_images.h"

#include "clones.h"
#include "exponential.h"

enum { COLOURS = 3 };

// Where a channel's values lie: `step` floats apart.
HL_INLINE size_t channel_start(hl_planes p, size_t channel) {
    return channel / p.block * p.positions * p.block + channel % p.block;
}

HL_CLONES void hl_to_image(hl_planes p, hl_squash squash, const float *x, float *image) {
    for (size_t c = 0; c < COLOURS; c++) {
        const float *source = x + channel_start(p, c);
        float *target = image + c * p.positions;
        if (squash == HL_SQUASH_TANH) {
            // (tanh x + 1) / 2 is the logistic function of 2 x.
            for (size_t i = 0; i < p.positions; i++) target[i] = 1 / (1 + hl_exp(-2 * source[i * p.block]));
        } else {
            for (size_t i = 0; i < p.positions; i++) {
                float v = source[i * p.block] * 0.5f + 0.5f;
                v = v < 0 ? 0 : v;
                target[i] = v > 1 ? 1 : v;
            }
        }
    }
}

HL_CLONES void hl_to_image_backward(hl_planes p, hl_squash squash, const float *image, const float *gradient,
                                    float *input_gradient) {
    for (size_t i = 0; i < p.blocks * p.positions * p.block; i++) input_gradient[i] = 0;
    for (size_t c = 0; c < COLOURS; c++) {
        float *target = input_gradient + channel_start(p, c);
        const float *y = image + c * p.positions, *g = gradient + c * p.positions;
        for (size_t i = 0; i < p.positions; i++) {
            const float slope = squash == HL_SQUASH_TANH ? 2 * y[i] * (1 - y[i]) : y[i] > 0 && y[i] < 1 ? 0.5f : 0;
            target[i * p.block] = g[i] * slope;
        }
    }
}

void hl_resample_along(hl_taps taps, const float *x, float *y, size_t first, size_t last, size_t width) {
    for (size_t r = first; r < last; r++)
        for (size_t i = 0; i < taps.count; i++) {
            const float *source = x + r * width + taps.starts[i], *w = taps.weights + i * taps.most;
            float sum = 0;
            for (int32_t k = 0; k < taps.counts[i]; k++) sum += w[k] * source[k];
            y[r * taps.count + i] = sum;
        }
}

HL_CLONES void hl_resample_down(hl_taps taps, const float *x, float *y, size_t first, size_t last, size_t height,
                                size_t width) {
    for (size_t plane = first; plane < last; plane++)
        for (size_t i = 0; i < taps.count; i++) {
            const float *source = x + (plane * height + (size_t)taps.starts[i]) * width;
            float *target = y + (plane * taps.count + i) * width;
            for (size_t c = 0; c < width; c++) target[c] = 0;
            for (int32_t k = 0; k < taps.counts[i]; k++) {
                const float w = taps.weights[i * taps.most + (size_t)k];
                for (size_t c = 0; c < width; c++) target[c] += w * source[(size_t)k * width + c];
            }
        }
}
