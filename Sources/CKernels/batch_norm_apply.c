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

HL_INLINE void backward_rows(behind_relu r, int mask, void *input_gradient, size_t positions, size_t block,
                             const float *a, const float *b, const float *c, int narrow) {
    if (block == 16 || block == 8) {
        // By way of local arrays: what is read cannot then be what has just been written.
        HL_ONE_BLOCK_AT_A_TIME
        for (size_t at = 0; at < positions * block; at += block) {
            float d[WIDEST];
            for (size_t j = 0; j < block; j++) {
                const float x = loaded(r.x, at + j, narrow);
                d[j] = a[j] * gradient_behind(r, at + j, j, x, mask, 0, narrow) + b[j] * x + c[j];
            }
            for (size_t j = 0; j < block; j++) store(input_gradient, at + j, d[j], narrow);
        }
        return;
    }
    if (block == 1) {
        // Constants in registers: stores could change what they were read from.
        const float on_gradient = a[0], on_x = b[0], offset = c[0];
        const float scale = mask == MASK_OF_INPUT ? r.scale[0] : 0, shift = mask == MASK_OF_INPUT ? r.shift[0] : 0;
        const behind_relu own = {r.gradient, NULL, r.y, r.x, &scale, &shift};
        for (size_t at = 0; at < positions; at++) {
            const float x = loaded(r.x, at, narrow);
            const float g = gradient_behind(own, at, 0, x, mask, 0, narrow);
            store(input_gradient, at, on_gradient * g + on_x * x + offset, narrow);
        }
        return;
    }
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            const size_t at = i * block + j;
            const float x = loaded(r.x, at, narrow);
            store(input_gradient, at, a[j] * gradient_behind(r, at, j, x, mask, 0, narrow) + b[j] * x + c[j], narrow);
        }
}

HL_CLONES void hl_batch_norm_backward_apply(hl_planes p, size_t which, const void *gradient, hl_relu_mask relu,
                                            const void *x, void *input_gradient, const float *a, const float *b,
                                            const float *c) {
    const size_t stride = p.blocks * p.positions * p.block, start = which * p.positions * p.block;
    for (size_t n = 0; n < p.samples; n++) {
        const size_t at = n * stride + start;
        const behind_relu r = {from(gradient, at, p.narrow), NULL,       from(relu.output, at, p.narrow),
                               from(x, at, p.narrow),        relu.scale, relu.shift};
        void *target = into(input_gradient, at, p.narrow);
        HL_FOR_MASK(
            relu,
            HL_FOR_VALUES(p.narrow, HL_FOR_BLOCK(16 | 8 | 1, p.block,
                                                 backward_rows(r, MASK, target, p.positions, BLOCK, a, b, c, NARROW))));
    }
}
