// What batch normalisation makes of its sums, element by element, forward and backward.
#include "behind_relu.h"
#include "blocks.h"
#include "clones.h"
#include "hl_batch_norm.h"
#include "values.h"

HL_INLINE float applied(float x, const void *residual, size_t at, float scale, float shift, int relu, int narrow) {
    float v = x * scale + shift;
    if (residual) v += loaded(residual, at, narrow);
    return relu && v <= 0.0f ? 0.0f : v;  // NaN stays
}

HL_INLINE void apply_rows(const void *x, const void *residual, void *y, size_t positions, size_t block, size_t step,
                          const float *scale, const float *shift, int relu, int narrow) {
    if (step == 1) {
        for (size_t at = 0; at < positions; at++) {
            const float value = loaded(x, at, narrow);
            store(y, at, applied(value, residual, at, scale[0], shift[0], relu, narrow), narrow);
        }
        return;
    }
    HL_ONE_BLOCK_AT_A_TIME
    for (size_t at = 0; at < positions * step; at += step)
        for (size_t j = 0; j < block; j++) {
            const float value = loaded(x, at + j, narrow);
            store(y, at + j, applied(value, residual, at + j, scale[j], shift[j], relu, narrow), narrow);
        }
}

HL_INLINE void apply_plane(hl_planes p, const void *x, const void *residual, void *y, const float *scale,
                           const float *shift, int relu, int narrow) {
    HL_FOR_PIECES(p.positions, p.block, p.step, {
        const size_t at = PLACE * STEP + CHANNEL;
        apply_rows(from(x, at, narrow), from(residual, at, narrow), into(y, at, narrow), COUNT, BLOCK, STEP,
                   scale + CHANNEL, shift + CHANNEL, relu, narrow);
    });
}

HL_CLONES void hl_batch_norm_apply(hl_planes p, size_t which, const void *x, const void *residual, void *restrict y,
                                   const float *scale, const float *shift, int relu) {
    for (size_t n = 0; n < p.samples; n++) {
        const size_t at = start_of(p, n, which);
        const void *r = from(residual, at, p.narrow), *source = from(x, at, p.narrow);
        void *target = into(y, at, p.narrow);
        // Constants where there is a residual or a ReLU, so that nothing is left to decide in a loop.
        if (r && relu) {
            HL_FOR_VALUES(p.narrow, apply_plane(p, source, r, target, scale, shift, 1, NARROW));
        } else if (r) {
            HL_FOR_VALUES(p.narrow, apply_plane(p, source, r, target, scale, shift, 0, NARROW));
        } else if (relu) {
            HL_FOR_VALUES(p.narrow, apply_plane(p, source, NULL, target, scale, shift, 1, NARROW));
        } else {
            HL_FOR_VALUES(p.narrow, apply_plane(p, source, NULL, target, scale, shift, 0, NARROW));
        }
    }
}

HL_INLINE void backward_rows(behind_relu r, int mask, void *input_gradient, size_t positions, size_t block, size_t step,
                             const float *a, const float *b, const float *c, int narrow) {
    if (step == 1) {
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
    // By way of local arrays: what is read cannot then be what has just been written.
    HL_ONE_BLOCK_AT_A_TIME
    for (size_t at = 0; at < positions * step; at += step) {
        float d[PIECE];
        for (size_t j = 0; j < block; j++) {
            const float x = loaded(r.x, at + j, narrow);
            d[j] = a[j] * gradient_behind(r, at + j, j, x, mask, 0, narrow) + b[j] * x + c[j];
        }
        for (size_t j = 0; j < block; j++) store(input_gradient, at + j, d[j], narrow);
    }
}

HL_INLINE void backward_plane(hl_planes p, behind_relu r, int mask, void *input_gradient, const float *a,
                              const float *b, const float *c, int narrow) {
    HL_FOR_PIECES(p.positions, p.block, p.step, {
        const size_t at = PLACE * STEP + CHANNEL;
        backward_rows(piece_behind(r, at, CHANNEL, narrow), mask, into(input_gradient, at, narrow), COUNT, BLOCK, STEP,
                      a + CHANNEL, b + CHANNEL, c + CHANNEL, narrow);
    });
}

HL_CLONES void hl_batch_norm_backward_apply(hl_planes p, size_t which, const void *gradient, hl_relu_mask relu,
                                            const void *x, void *input_gradient, const float *a, const float *b,
                                            const float *c) {
    for (size_t n = 0; n < p.samples; n++) {
        const size_t at = start_of(p, n, which);
        const behind_relu r = {from(gradient, at, p.narrow), NULL,       from(relu.output, at, p.narrow),
                               from(x, at, p.narrow),        relu.scale, relu.shift};
        void *target = into(input_gradient, at, p.narrow);
        HL_FOR_MASK(relu, HL_FOR_VALUES(p.narrow, backward_plane(p, r, MASK, target, a, b, c, NARROW)));
    }
}
