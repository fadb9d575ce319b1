#include "hl_images.h"

#include "blocks.h"
#include "clones.h"
#include "exponential.h"
#include "values.h"

enum { COLOURS = 3 };

// Where a channel's values lie, a step apart.
HL_INLINE size_t channel_start(hl_planes p, size_t channel) {
    return start_of(p, 0, channel / p.block) + channel % p.block;
}

HL_INLINE void to_image(hl_planes p, hl_squash squash, const void *x, float *image, int narrow) {
    for (size_t c = 0; c < COLOURS; c++) {
        const void *source = from(x, channel_start(p, c), narrow);
        float *target = image + c * p.positions;
        if (squash == HL_SQUASH_TANH) {
            // (tanh x + 1) / 2 is the logistic function of 2 x.
            for (size_t i = 0; i < p.positions; i++)
                target[i] = 1 / (1 + hl_exp(-2 * loaded(source, i * p.step, narrow)));
        } else {
            for (size_t i = 0; i < p.positions; i++) {
                float v = loaded(source, i * p.step, narrow) * 0.5f + 0.5f;
                v = v < 0 ? 0 : v;
                target[i] = v > 1 ? 1 : v;
            }
        }
    }
}

HL_CLONES void hl_to_image(hl_planes p, hl_squash squash, const void *x, float *image) {
    HL_FOR_VALUES(p.narrow, to_image(p, squash, x, image, NARROW));
}

HL_INLINE void to_image_back(hl_planes p, hl_squash squash, const float *image, const float *gradient,
                             void *input_gradient, int narrow) {
    memset(input_gradient, 0, p.blocks * p.positions * p.block * value_size(narrow));
    for (size_t c = 0; c < COLOURS; c++) {
        void *target = into(input_gradient, channel_start(p, c), narrow);
        const float *y = image + c * p.positions, *g = gradient + c * p.positions;
        for (size_t i = 0; i < p.positions; i++) {
            const float slope = squash == HL_SQUASH_TANH ? 2 * y[i] * (1 - y[i]) : y[i] > 0 && y[i] < 1 ? 0.5f : 0;
            store(target, i * p.step, g[i] * slope, narrow);
        }
    }
}

HL_CLONES void hl_to_image_backward(hl_planes p, hl_squash squash, const float *image, const float *gradient,
                                    void *input_gradient) {
    HL_FOR_VALUES(p.narrow, to_image_back(p, squash, image, gradient, input_gradient, NARROW));
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
