// The sums of batch normalisation's way back.
#include "behind_relu.h"
#include "blocks.h"
#include "clones.h"
#include "hl_batch_norm.h"
#include "values.h"

// As in batch_norm_moments.c: one loop for any block, whose sums stay in registers, added to what is there.
enum { LANES = 16 };

// What becomes of the gradient behind ReLU beside its sums; constants too.
enum { IS_READ, IS_KEPT, SUM_IS_KEPT };

HL_INLINE void gradient_sums_lanes(behind_relu b, int mask, int fate, void *kept, size_t positions, const float *mean,
                                   float *sum, float *centred, int narrow) {
    const float centre = mean[0];
    const float scale = mask == MASK_OF_INPUT ? b.scale[0] : 0, shift = mask == MASK_OF_INPUT ? b.shift[0] : 0;
    const behind_relu own = {b.gradient, b.addend, b.y, b.x, &scale, &shift};
    float s[LANES] = {0}, c[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= positions; i += LANES) {
        float g[LANES];
        for (size_t j = 0; j < LANES; j++) {
            const float x = loaded(b.x, i + j, narrow);
            g[j] = gradient_behind(own, i + j, 0, x, mask, fate == SUM_IS_KEPT, narrow);
            s[j] += g[j];
            c[j] += g[j] * (x - centre);
        }
        if (fate != IS_READ)
            for (size_t j = 0; j < LANES; j++) store(kept, i + j, g[j], narrow);
    }
    for (; i < positions; i++) {
        const float x = loaded(b.x, i, narrow);
        const float g = gradient_behind(own, i, 0, x, mask, fate == SUM_IS_KEPT, narrow);
        s[0] += g;
        c[0] += g * (x - centre);
        if (fate != IS_READ) store(kept, i, g, narrow);
    }
    for (size_t j = 0; j < LANES; j++) {
        sum[0] += s[j];
        centred[0] += c[j];
    }
}

HL_INLINE void gradient_sums_fixed(behind_relu b, int mask, int fate, void *kept, size_t positions, size_t block,
                                   size_t step, const float *mean, float *sum, float *centred, int narrow) {
    float m[PIECE], s[PIECE], c[PIECE];
    for (size_t j = 0; j < block; j++) m[j] = mean[j];
    for (size_t j = 0; j < block; j++) {
        s[j] = sum[j];
        c[j] = centred[j];
    }
    HL_ONE_BLOCK_AT_A_TIME
    for (size_t i = 0; i < positions; i++) {
        float g[PIECE];
        for (size_t j = 0; j < block; j++) {
            const float x = loaded(b.x, i * step + j, narrow);
            g[j] = gradient_behind(b, i * step + j, j, x, mask, fate == SUM_IS_KEPT, narrow);
            s[j] += g[j];
            c[j] += g[j] * (x - m[j]);
        }
        if (fate != IS_READ)
            for (size_t j = 0; j < block; j++) store(kept, i * step + j, g[j], narrow);
    }
    for (size_t j = 0; j < block; j++) {
        sum[j] = s[j];
        centred[j] = c[j];
    }
}

HL_INLINE void gradient_sums(hl_planes p, behind_relu b, int mask, int fate, void *kept, const float *mean, float *sum,
                             float *centred, int narrow) {
    for (size_t j = 0; j < p.block; j++) sum[j] = centred[j] = 0;
    HL_FOR_PIECES(p.positions, p.block, p.step, {
        const size_t at = PLACE * STEP + CHANNEL;
        const behind_relu piece = piece_behind(b, at, CHANNEL, narrow);
        void *target = into(kept, at, narrow);
        if (STEP == 1)
            gradient_sums_lanes(piece, mask, fate, target, COUNT, mean, sum, centred, narrow);
        else
            gradient_sums_fixed(piece, mask, fate, target, COUNT, BLOCK, STEP, mean + CHANNEL, sum + CHANNEL,
                                centred + CHANNEL, narrow);
    });
}

HL_INLINE void gradient_sums_by_fate(hl_planes p, behind_relu b, int mask, void *kept, const float *mean, float *sum,
                                     float *centred, int narrow) {
    if (kept && b.addend)
        gradient_sums(p, b, mask, SUM_IS_KEPT, kept, mean, sum, centred, narrow);
    else if (kept)
        gradient_sums(p, b, mask, IS_KEPT, kept, mean, sum, centred, narrow);
    else
        gradient_sums(p, b, mask, IS_READ, NULL, mean, sum, centred, narrow);
}

HL_CLONES void hl_batch_norm_backward_sums(hl_planes p, size_t which, const void *gradient, const void *addend,
                                           hl_relu_mask relu, const void *x, const float *mean, double *sum,
                                           double *sum_centred, void *kept, float *scratch) {
    float *s = scratch, *c = scratch + p.block;
    for (size_t j = 0; j < p.block; j++) sum[j] = sum_centred[j] = 0;
    for (size_t n = 0; n < p.samples; n++) {
        const size_t at = start_of(p, n, which);
        const behind_relu b = {from(gradient, at, p.narrow),
                               from(addend, at, p.narrow),
                               from(relu.output, at, p.narrow),
                               from(x, at, p.narrow),
                               relu.scale,
                               relu.shift};
        void *target = into(kept, at, p.narrow);
        HL_FOR_MASK(relu, HL_FOR_VALUES(p.narrow, gradient_sums_by_fate(p, b, MASK, target, mean, s, c, NARROW)));
        for (size_t j = 0; j < p.block; j++) {
            sum[j] += s[j];
            sum_centred[j] += c[j];
        }
    }
}
