// What batch normalisation makes of its sums, element by element, forward and backward.
#include "blocks.h"
#include "clones.h"
#include "hl_batch_norm.h"
#include "lanes.h"
#include "norm_backward.h"
#include "values.h"

HL_INLINE void apply_lanes(const void *x, const void *residual, void *y, size_t at, size_t count, size_t ahead,
                           lanes scale, lanes shift, int relu, int narrow) {
    lanes value = {streamed_lanes(x, at, count, ahead, narrow).v * scale.v + shift.v};
    if (residual) value.v += streamed_lanes(residual, at, count, ahead, narrow).v;
    if (relu) value = HL_WHERE(~(value.v <= 0), value);  // NaN stays
    keep_lanes(y, at, count, value, narrow);
}

HL_INLINE void apply_rows(const void *x, const void *residual, void *y, size_t positions, size_t block, size_t step,
                          size_t ahead, const float *scale, const float *shift, int relu, int narrow) {
    if (step == 1) {
        const lanes a = all_lanes(scale[0]), b = all_lanes(shift[0]);
        size_t at = 0;
        for (; at + LANE_COUNT <= positions; at += LANE_COUNT)
            apply_lanes(x, residual, y, at, LANE_COUNT, 0, a, b, relu, narrow);
        if (at < positions) apply_lanes(x, residual, y, at, positions - at, 0, a, b, relu, narrow);
        return;
    }
    lanes a[MOST_VECTORS], b[MOST_VECTORS];
    HL_FOR_VECTORS(c, block) {
        a[c / LANE_COUNT] = lanes_at(scale, c, lanes_from(c, block), 0);
        b[c / LANE_COUNT] = lanes_at(shift, c, lanes_from(c, block), 0);
    }
    for (size_t at = 0; at < positions * step; at += step) {
        HL_FOR_VECTORS(c, block) {
            apply_lanes(x, residual, y, at + c, lanes_from(c, block), ahead_from(c, ahead, narrow), a[c / LANE_COUNT],
                        b[c / LANE_COUNT], relu, narrow);
        }
    }
}

HL_INLINE void apply_plane(hl_planes p, const void *x, const void *residual, void *y, const float *scale,
                           const float *shift, int relu, int narrow) {
    HL_FOR_WIDE_PIECES(MOST_VECTORS, p.positions, p.block, p.step, {
        const size_t at = PLACE * STEP + CHANNEL;
        apply_rows(from(x, at, narrow), from(residual, at, narrow), into(y, at, narrow), COUNT, BLOCK, STEP, AHEAD,
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

HL_CLONES void hl_batch_norm_backward_apply(hl_planes p, size_t which, const void *gradient, hl_relu_mask relu,
                                            const void *x, void *input_gradient, const float *a, const float *b,
                                            const float *c) {
    for (size_t n = 0; n < p.samples; n++) {
        const size_t at = start_of(p, n, which);
        const behind_relu r = {from(gradient, at, p.narrow),
                               NULL,
                               from(relu.output, at, p.narrow),
                               from(x, at, p.narrow),
                               relu.scale,
                               relu.shift,
                               0};
        void *target = into(input_gradient, at, p.narrow);
        HL_FOR_MASK(relu, HL_FOR_VALUES(p.narrow, backward_plane(p, r, MASK, target, a, b, c, NARROW)));
    }
}
