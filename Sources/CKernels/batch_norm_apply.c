// What batch normalisation makes of its sums, element by element, forward and backward.
#include <string.h>

#include "behind_relu.h"
#include "blocks.h"
#include "clones.h"
#include "hl_batch_norm.h"

enum { WIDEST = 16 };

HL_INLINE float applied(float x, const float *residual, size_t at, float scale, float shift, int relu) {
    float v = x * scale + shift;
    if (residual) v += residual[at];
    return relu && v <= 0.0f ? 0.0f : v;  // NaN stays
}

HL_INLINE void apply_rows(const float *x, const float *residual, float *y, size_t positions, size_t block,
                          const float *scale, const float *shift, int relu) {
    if (block == 16 || block == 8) {
        HL_ONE_BLOCK_AT_A_TIME
        for (size_t at = 0; at < positions * block; at += block)
            for (size_t j = 0; j < block; j++)
                y[at + j] = applied(x[at + j], residual, at + j, scale[j], shift[j], relu);
        return;
    }
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            const size_t at = i * block + j;
            y[at] = applied(x[at], residual, at, scale[j], shift[j], relu);
        }
}

HL_INLINE void apply_block(const float *x, const float *residual, float *y, size_t positions, size_t block,
                           const float *scale, const float *shift, int relu) {
    if (residual) {
        if (relu)
            apply_rows(x, residual, y, positions, block, scale, shift, 1);
        else
            apply_rows(x, residual, y, positions, block, scale, shift, 0);
    } else {
        if (relu)
            apply_rows(x, NULL, y, positions, block, scale, shift, 1);
        else
            apply_rows(x, NULL, y, positions, block, scale, shift, 0);
    }
}

HL_CLONES void hl_batch_norm_apply(hl_planes p, size_t which, const float *x, const float *residual, float *restrict y,
                                   const float *scale, const float *shift, int relu) {
    const size_t stride = p.blocks * p.positions * p.block, start = which * p.positions * p.block;
    for (size_t n = 0; n < p.samples; n++) {
        const size_t at = n * stride + start;
        const float *r = residual ? residual + at : NULL;
        HL_FOR_BLOCK(16 | 8 | 1, p.block, apply_block(x + at, r, y + at, p.positions, BLOCK, scale, shift, relu));
    }
}

HL_INLINE void backward_rows(const float *gradient, const float *y, const float *x, float *input_gradient,
                             float *residual_gradient, size_t positions, size_t block, const float *a, const float *b,
                             const float *c) {
    if (block == 16 || block == 8) {
        // By way of local arrays: what is read cannot then be what has just been written.
        HL_ONE_BLOCK_AT_A_TIME
        for (size_t at = 0; at < positions * block; at += block) {
            float g[WIDEST], d[WIDEST];
            for (size_t j = 0; j < block; j++) g[j] = behind_relu(gradient[at + j], y, at + j);
            for (size_t j = 0; j < block; j++) d[j] = a[j] * g[j] + b[j] * x[at + j] + c[j];
            if (residual_gradient) memcpy(residual_gradient + at, g, block * sizeof(float));
            memcpy(input_gradient + at, d, block * sizeof(float));
        }
        return;
    }
    if (block == 1) {
        const float on_gradient = a[0], on_x = b[0], offset = c[0];
        for (size_t at = 0; at < positions; at++) {
            const float g = behind_relu(gradient[at], y, at);
            if (residual_gradient) residual_gradient[at] = g;
            input_gradient[at] = on_gradient * g + on_x * x[at] + offset;
        }
        return;
    }
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            const size_t at = i * block + j;
            const float g = behind_relu(gradient[at], y, at);
            if (residual_gradient) residual_gradient[at] = g;
            input_gradient[at] = a[j] * g + b[j] * x[at] + c[j];
        }
}

HL_INLINE void backward_block(const float *gradient, const float *y, const float *x, float *input_gradient,
                              float *residual_gradient, size_t positions, size_t block, const float *a, const float *b,
                              const float *c) {
    if (y && residual_gradient)
        backward_rows(gradient, y, x, input_gradient, residual_gradient, positions, block, a, b, c);
    else if (y)
        backward_rows(gradient, y, x, input_gradient, NULL, positions, block, a, b, c);
    else if (residual_gradient)
        backward_rows(gradient, NULL, x, input_gradient, residual_gradient, positions, block, a, b, c);
    else
        backward_rows(gradient, NULL, x, input_gradient, NULL, positions, block, a, b, c);
}

HL_CLONES void hl_batch_norm_backward_apply(hl_planes p, size_t which, const float *gradient, const float *y,
                                            const float *x, float *input_gradient, float *residual_gradient,
                                            const float *a, const float *b, const float *c) {
    const size_t stride = p.blocks * p.positions * p.block, start = which * p.positions * p.block;
    for (size_t n = 0; n < p.samples; n++) {
        const size_t at = n * stride + start;
        const float *mask = y ? y + at : NULL;
        float *r = residual_gradient ? residual_gradient + at : NULL;
        HL_FOR_BLOCK(16 | 8 | 1, p.block,
                     backward_block(gradient + at, mask, x + at, input_gradient + at, r, p.positions, BLOCK, a, b, c));
    }
}
