// What batch normalisation makes of its sums, element by element, forward and backward.
#include "behind_relu.h"
#include "blocks.h"
#include "clones.h"
#include "hl_batch_norm.h"
#include "values.h"

enum { WIDEST = 16 };

HL_INLINE float applied(float x, const void *residual, size_t at, float scale, float shift, int relu, int narrow) {
    float v = x * scale + shift;
    if (residual) v += loaded(residual, at, narrow);
    return relu && v <= 0.0f ? 0.0f : v;  // NaN stays
}

HL_INLINE void apply_rows(const void *x, const void *residual, void *y, size_t positions, size_t block,
                          const float *scale, const float *shift, int relu, int narrow) {
    if (block == 16 || block == 8) {
        HL_ONE_BLOCK_AT_A_TIME
        for (size_t at = 0; at < positions * block; at += block)
            for (size_t j = 0; j < block; j++) {
                const float value = loaded(x, at + j, narrow);
                store(y, at + j, applied(value, residual, at + j, scale[j], shift[j], relu, narrow), narrow);
            }
        return;
    }
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            const size_t at = i * block + j;
            const float value = loaded(x, at, narrow);
            store(y, at, applied(value, residual, at, scale[j], shift[j], relu, narrow), narrow);
        }
}

HL_INLINE void apply_block(const void *x, const void *residual, void *y, size_t positions, size_t block,
                           const float *scale, const float *shift, int relu, int narrow) {
    if (residual) {
        if (relu)
            apply_rows(x, residual, y, positions, block, scale, shift, 1, narrow);
        else
            apply_rows(x, residual, y, positions, block, scale, shift, 0, narrow);
    } else {
        if (relu)
            apply_rows(x, NULL, y, positions, block, scale, shift, 1, narrow);
        else
            apply_rows(x, NULL, y, positions, block, scale, shift, 0, narrow);
    }
}

HL_CLONES void hl_batch_norm_apply(hl_planes p, size_t which, const void *x, const void *residual, void *restrict y,
                                   const float *scale, const float *shift, int relu) {
    const size_t stride = p.blocks * p.positions * p.block, start = which * p.positions * p.block;
    for (size_t n = 0; n < p.samples; n++) {
        const size_t at = n * stride + start;
        const void *r = from(residual, at, p.narrow), *source = from(x, at, p.narrow);
        void *target = into(y, at, p.narrow);
        HL_FOR_VALUES(p.narrow,
                      HL_FOR_BLOCK(16 | 8 | 1, p.block,
                                   apply_block(source, r, target, p.positions, BLOCK, scale, shift, relu, NARROW)));
    }
}

HL_INLINE void backward_rows(const void *gradient, int mask, const void *y, const void *x, void *input_gradient,
                             void *residual_gradient, size_t positions, size_t block, const float *scale,
                             const float *shift, const float *a, const float *b, const float *c, int narrow) {
    if (block == 16 || block == 8) {
        // By way of local arrays: what is read cannot then be what has just been written.
        HL_ONE_BLOCK_AT_A_TIME
        for (size_t at = 0; at < positions * block; at += block) {
            float v[WIDEST], g[WIDEST], d[WIDEST];
            for (size_t j = 0; j < block; j++) v[j] = loaded(x, at + j, narrow);
            for (size_t j = 0; j < block; j++)
                g[j] = behind_relu(loaded(gradient, at + j, narrow), mask, y, at + j, v[j], scale[j], shift[j], narrow);
            for (size_t j = 0; j < block; j++) d[j] = a[j] * g[j] + b[j] * v[j] + c[j];
            if (residual_gradient)
                for (size_t j = 0; j < block; j++) store(residual_gradient, at + j, g[j], narrow);
            for (size_t j = 0; j < block; j++) store(input_gradient, at + j, d[j], narrow);
        }
        return;
    }
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            const size_t at = i * block + j;
            const float value = loaded(x, at, narrow);
            const float g = behind_relu(loaded(gradient, at, narrow), mask, y, at, value, scale[j], shift[j], narrow);
            if (residual_gradient) store(residual_gradient, at, g, narrow);
            store(input_gradient, at, a[j] * g + b[j] * value + c[j], narrow);
        }
}

// Constants of one channel in registers, which rows of one channel each need to become vector code.
HL_INLINE void backward_plane(const void *gradient, int mask, const void *y, const void *x, void *input_gradient,
                              void *residual_gradient, size_t positions, float scale, float shift, float a, float b,
                              float c, int narrow) {
    for (size_t at = 0; at < positions; at++) {
        const float value = loaded(x, at, narrow);
        const float g = behind_relu(loaded(gradient, at, narrow), mask, y, at, value, scale, shift, narrow);
        if (residual_gradient) store(residual_gradient, at, g, narrow);
        store(input_gradient, at, a * g + b * value + c, narrow);
    }
}

HL_INLINE void backward_block(const void *gradient, int mask, const void *y, const void *x, void *input_gradient,
                              void *residual_gradient, size_t positions, size_t block, const float *scale,
                              const float *shift, const float *a, const float *b, const float *c, int narrow) {
    if (block == 1) {
        const float factor = mask == MASK_OF_INPUT ? scale[0] : 0, offset = mask == MASK_OF_INPUT ? shift[0] : 0;
        if (residual_gradient)
            backward_plane(gradient, mask, y, x, input_gradient, residual_gradient, positions, factor, offset, a[0],
                           b[0], c[0], narrow);
        else
            backward_plane(gradient, mask, y, x, input_gradient, NULL, positions, factor, offset, a[0], b[0], c[0],
                           narrow);
        return;
    }
    // Neither is read where the mask does not come from the input.
    const float *factors = mask == MASK_OF_INPUT ? scale : a, *offsets = mask == MASK_OF_INPUT ? shift : a;
    if (residual_gradient)
        backward_rows(gradient, mask, y, x, input_gradient, residual_gradient, positions, block, factors, offsets, a, b,
                      c, narrow);
    else
        backward_rows(gradient, mask, y, x, input_gradient, NULL, positions, block, factors, offsets, a, b, c, narrow);
}

HL_CLONES void hl_batch_norm_backward_apply(hl_planes p, size_t which, const void *gradient, hl_relu_mask relu,
                                            const void *x, void *input_gradient, void *residual_gradient,
                                            const float *a, const float *b, const float *c) {
    const size_t stride = p.blocks * p.positions * p.block, start = which * p.positions * p.block;
    for (size_t n = 0; n < p.samples; n++) {
        const size_t at = n * stride + start;
        const void *g = from(gradient, at, p.narrow), *y = from(relu.output, at, p.narrow);
        const void *source = from(x, at, p.narrow);
        void *target = into(input_gradient, at, p.narrow), *r = into(residual_gradient, at, p.narrow);
        HL_FOR_MASK(
            relu, HL_FOR_VALUES(p.narrow, HL_FOR_BLOCK(16 | 8 | 1, p.block,
                                                       backward_block(g, MASK, y, source, target, r, p.positions, BLOCK,
                                                                      relu.scale, relu.shift, a, b, c, NARROW))));
    }
}
