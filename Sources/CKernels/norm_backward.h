// The way back through a batch norm, conditional or not, and the ReLU behind it, 16 values at a time.
#pragma once
#include <stddef.h>

#include "blocks.h"
#include "clones.h"
#include "hl_batch_norm.h"
#include "lanes.h"
#include "values.h"

_Static_assert(PIECE == LANE_COUNT, "a piece of channels is a vector");

/// Where ReLU's mask comes from; constants, so that nothing is left to decide in a loop.
enum { LETS_ALL_PASS, MASK_OF_OUTPUT, MASK_OF_INPUT };

/// What the way back through a batch norm reads of one sample: the gradient, its addend, ReLU's output, the input, and what
/// the output was made by.
typedef struct {
    const void *gradient, *addend, *y, *x;
    const float *scale, *shift;
    /// How far behind what is read lies what comes next (`streamed_lanes`).
    size_t ahead;
} behind_relu;

/// The same from value `at` on, whose channel is `channel` of the block.
HL_INLINE behind_relu piece_behind(behind_relu b, size_t at, size_t channel, size_t ahead, int narrow) {
    return (behind_relu){from(b.gradient, at, narrow),
                         from(b.addend, at, narrow),
                         from(b.y, at, narrow),
                         from(b.x, at, narrow),
                         b.scale ? b.scale + channel : NULL,
                         b.shift ? b.shift + channel : NULL,
                         ahead};
}

/// Scale and shift of 16 values, where ReLU's mask is made of the input.
typedef struct {
    lanes scale, shift;
} norm_lanes;

/// Those of one channel, whose positions lie side by side.
HL_INLINE norm_lanes norm_of_channel(behind_relu b, int mask) {
    if (mask != MASK_OF_INPUT) return (norm_lanes){{{0}}, {{0}}};
    return (norm_lanes){all_lanes(b.scale[0]), all_lanes(b.shift[0])};
}

/// Those of a block of channels.
HL_INLINE norm_lanes norm_of_block(behind_relu b, int mask, size_t block) {
    if (mask != MASK_OF_INPUT) return (norm_lanes){{{0}}, {{0}}};
    return (norm_lanes){lanes_at(b.scale, 0, block, 0), lanes_at(b.shift, 0, block, 0)};
}

/// The gradient behind ReLU, which let pass what is above 0, of `count` values from `at` on, where the input is `x`.
HL_INLINE lanes gradient_behind(behind_relu b, size_t at, size_t count, lanes x, norm_lanes norm, int mask, int adds,
                                int narrow) {
    lanes gradient = streamed_lanes(b.gradient, at, count, b.ahead, narrow);
    if (adds) {
        gradient.v += streamed_lanes(b.addend, at, count, b.ahead, narrow).v;
        // As a sum that was stored.
        if (narrow) gradient = rounded_lanes(gradient);
    }
    if (mask == MASK_OF_OUTPUT) return HL_WHERE(streamed_lanes(b.y, at, count, b.ahead, narrow).v > 0, gradient);
    // As the way forward computed it.
    if (mask == MASK_OF_INPUT) return HL_WHERE(x.v * norm.scale.v + norm.shift.v > 0, gradient);
    return gradient;
}

/// What becomes of the gradient behind ReLU beside its sums; constants too.
enum { IS_READ, IS_KEPT, SUM_IS_KEPT };

typedef struct {
    lanes plain, centred;
} gradient_sums;

HL_INLINE void add_gradients(gradient_sums *sums, behind_relu b, size_t at, size_t count, norm_lanes norm, lanes mean,
                             int mask, int fate, void *kept, int narrow) {
    const lanes x = streamed_lanes(b.x, at, count, b.ahead, narrow);
    const lanes g = gradient_behind(b, at, count, x, norm, mask, fate == SUM_IS_KEPT, narrow);
    sums->plain.v += g.v;
    sums->centred.v += g.v * (x.v - mean.v);
    if (fate != IS_READ) keep_lanes(kept, at, count, g, narrow);
}

// One channel's by neighbouring positions, added to what is there.
HL_INLINE void sums_of_lanes(behind_relu b, int mask, int fate, void *kept, size_t positions, const float *mean,
                             float *sum, float *centred, int narrow) {
    gradient_sums sums = {{{0}}, {{0}}};
    const norm_lanes norm = norm_of_channel(b, mask);
    const lanes centre = all_lanes(mean[0]);
    size_t i = 0;
    for (; i + LANE_COUNT <= positions; i += LANE_COUNT)
        add_gradients(&sums, b, i, LANE_COUNT, norm, centre, mask, fate, kept, narrow);
    // Behind the last there are gradients of 0.
    if (i < positions) add_gradients(&sums, b, i, positions - i, norm, centre, mask, fate, kept, narrow);
    for (size_t j = 0; j < LANE_COUNT; j++) {
        sum[0] += sums.plain.v[j];
        centred[0] += sums.centred.v[j];
    }
}

// Those of a block of channels, or a piece of a wide one.
HL_INLINE void sums_of_block(behind_relu b, int mask, int fate, void *kept, size_t positions, size_t block, size_t step,
                             const float *mean, float *sum, float *centred, int narrow) {
    gradient_sums sums[MOST_VECTORS];
    behind_relu own[MOST_VECTORS];
    norm_lanes norm[MOST_VECTORS];
    lanes centre[MOST_VECTORS];
    HL_FOR_VECTORS(c, block) {
        const size_t count = lanes_from(c, block);
        own[c / LANE_COUNT] = piece_behind(b, c, c, ahead_from(c, b.ahead, narrow), narrow);
        norm[c / LANE_COUNT] = norm_of_block(own[c / LANE_COUNT], mask, count);
        centre[c / LANE_COUNT] = lanes_at(mean, c, count, 0);
        sums[c / LANE_COUNT] = (gradient_sums){lanes_at(sum, c, count, 0), lanes_at(centred, c, count, 0)};
    }
    for (size_t at = 0; at < positions * step; at += step) {
        HL_FOR_VECTORS(c, block) {
            add_gradients(&sums[c / LANE_COUNT], own[c / LANE_COUNT], at, lanes_from(c, block), norm[c / LANE_COUNT],
                          centre[c / LANE_COUNT], mask, fate, into(kept, c, narrow), narrow);
        }
    }
    HL_FOR_VECTORS(c, block) {
        keep_lanes(sum, c, lanes_from(c, block), sums[c / LANE_COUNT].plain, 0);
        keep_lanes(centred, c, lanes_from(c, block), sums[c / LANE_COUNT].centred, 0);
    }
}

// Those of a piece of channels and of positions.
HL_INLINE void sums_of_piece(behind_relu b, int mask, int fate, void *kept, size_t positions, size_t block, size_t step,
                             const float *mean, float *sum, float *centred, int narrow) {
    if (step == 1)
        sums_of_lanes(b, mask, fate, kept, positions, mean, sum, centred, narrow);
    else
        sums_of_block(b, mask, fate, kept, positions, block, step, mean, sum, centred, narrow);
}

/// Sums of the gradient behind ReLU, and of its products with x - mean, of one sample's block.
HL_INLINE void sums_of_sample(hl_planes p, behind_relu b, int mask, int fate, void *kept, const float *mean, float *sum,
                              float *centred, int narrow) {
    for (size_t j = 0; j < p.block; j++) sum[j] = centred[j] = 0;
#define SUMS_OF_PIECE                                                                                           \
    sums_of_piece(piece_behind(b, PLACE *STEP + CHANNEL, CHANNEL, AHEAD, narrow), mask, fate,                   \
                  into(kept, PLACE *STEP + CHANNEL, narrow), COUNT, BLOCK, STEP, mean + CHANNEL, sum + CHANNEL, \
                  centred + CHANNEL, narrow)
    // Where so much is read and written, fewer channels at a time are faster.
    if (fate == SUM_IS_KEPT)
        HL_FOR_WIDE_PIECES(2, p.positions, p.block, p.step, SUMS_OF_PIECE);
    else
        HL_FOR_WIDE_PIECES(MOST_VECTORS, p.positions, p.block, p.step, SUMS_OF_PIECE);
#undef SUMS_OF_PIECE
}

/// What the gradient and x are multiplied by, and what is added.
typedef struct {
    lanes on_gradient, on_x, offset;
} backward_lanes;

HL_INLINE void backward_apply(behind_relu r, int mask, void *input_gradient, size_t at, size_t count, norm_lanes norm,
                              backward_lanes by, int narrow) {
    const lanes x = streamed_lanes(r.x, at, count, r.ahead, narrow);
    const lanes g = gradient_behind(r, at, count, x, norm, mask, 0, narrow);
    keep_lanes(input_gradient, at, count, (lanes){by.on_gradient.v * g.v + by.on_x.v * x.v + by.offset.v}, narrow);
}

HL_INLINE void backward_rows(behind_relu r, int mask, void *input_gradient, size_t positions, size_t block, size_t step,
                             const float *a, const float *b, const float *c, int narrow) {
    if (step == 1) {
        const norm_lanes norm = norm_of_channel(r, mask);
        const backward_lanes by = {all_lanes(a[0]), all_lanes(b[0]), all_lanes(c[0])};
        size_t at = 0;
        for (; at + LANE_COUNT <= positions; at += LANE_COUNT)
            backward_apply(r, mask, input_gradient, at, LANE_COUNT, norm, by, narrow);
        if (at < positions) backward_apply(r, mask, input_gradient, at, positions - at, norm, by, narrow);
        return;
    }
    behind_relu own[MOST_VECTORS];
    norm_lanes norm[MOST_VECTORS];
    backward_lanes by[MOST_VECTORS];
    HL_FOR_VECTORS(first, block) {
        const size_t count = lanes_from(first, block), k = first / LANE_COUNT;
        own[k] = piece_behind(r, first, first, ahead_from(first, r.ahead, narrow), narrow);
        norm[k] = norm_of_block(own[k], mask, count);
        by[k] =
            (backward_lanes){lanes_at(a, first, count, 0), lanes_at(b, first, count, 0), lanes_at(c, first, count, 0)};
    }
    for (size_t at = 0; at < positions * step; at += step) {
        HL_FOR_VECTORS(first, block) {
            const size_t k = first / LANE_COUNT;
            backward_apply(own[k], mask, into(input_gradient, first, narrow), at, lanes_from(first, block), norm[k],
                           by[k], narrow);
        }
    }
}

/// a * gradient behind ReLU + b * x + c, of one sample's block.
HL_INLINE void backward_plane(hl_planes p, behind_relu r, int mask, void *input_gradient, const float *a,
                              const float *b, const float *c, int narrow) {
    HL_FOR_WIDE_PIECES(MOST_VECTORS, p.positions, p.block, p.step, {
        const size_t at = PLACE * STEP + CHANNEL;
        backward_rows(piece_behind(r, at, CHANNEL, AHEAD, narrow), mask, into(input_gradient, at, narrow), COUNT, BLOCK,
                      STEP, a + CHANNEL, b + CHANNEL, c + CHANNEL, narrow);
    });
}

/// Runs a call with MASK for where the mask comes from, a constant. What is called must be HL_INLINE.
#define HL_FOR_MASK(relu, ...)              \
    do {                                    \
        if ((relu).output) {                \
            enum { MASK = MASK_OF_OUTPUT }; \
            __VA_ARGS__;                    \
        } else if ((relu).scale) {          \
            enum { MASK = MASK_OF_INPUT };  \
            __VA_ARGS__;                    \
        } else {                            \
            enum { MASK = LETS_ALL_PASS };  \
            __VA_ARGS__;                    \
        }                                   \
    } while (0)
