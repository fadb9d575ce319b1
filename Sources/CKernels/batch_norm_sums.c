// The sums of batch normalisation over samples and positions, forward and backward.
#include "behind_relu.h"
#include "blocks.h"
#include "clones.h"
#include "hl_batch_norm.h"
#include "values.h"

// The loops below are written once for any block; HL_FOR_BLOCK makes one of every size, so that the compiler keeps the
// sums of one block of channels in registers. For block 1 the sums run over LANES neighbouring positions.
enum { LANES = 16, WIDEST = 16 };

// Sums of (x - pivot) and (x - pivot)² over one sample's positions, for each channel of the block. Sums run in float
// over one sample only; samples are added up in double by the caller.
HL_INLINE void moments_lanes(const void *x, size_t positions, const float *pivot, float *sum, float *square,
                             int narrow) {
    float s[LANES] = {0}, q[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= positions; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            float d = loaded(x, i + j, narrow) - pivot[0];
            s[j] += d;
            q[j] += d * d;
        }
    for (; i < positions; i++) {
        float d = loaded(x, i, narrow) - pivot[0];
        s[0] += d;
        q[0] += d * d;
    }
    sum[0] = square[0] = 0;
    for (size_t j = 0; j < LANES; j++) {
        sum[0] += s[j];
        square[0] += q[j];
    }
}

HL_INLINE void moments_fixed(const void *x, size_t positions, size_t block, const float *pivot, float *sum,
                             float *square, int narrow) {
    // Two interleaved sums hide the latency of the additions.
    float p[WIDEST], s0[WIDEST] = {0}, q0[WIDEST] = {0}, s1[WIDEST] = {0}, q1[WIDEST] = {0};
    for (size_t j = 0; j < block; j++) p[j] = pivot[j];
    size_t i = 0;
    for (; i + 2 <= positions; i += 2) {
        for (size_t j = 0; j < block; j++) {
            float d = loaded(x, i * block + j, narrow) - p[j];
            s0[j] += d;
            q0[j] += d * d;
        }
        for (size_t j = 0; j < block; j++) {
            float d = loaded(x, (i + 1) * block + j, narrow) - p[j];
            s1[j] += d;
            q1[j] += d * d;
        }
    }
    for (; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            float d = loaded(x, i * block + j, narrow) - p[j];
            s0[j] += d;
            q0[j] += d * d;
        }
    for (size_t j = 0; j < block; j++) {
        sum[j] = s0[j] + s1[j];
        square[j] = q0[j] + q1[j];
    }
}

// Of a block that is a matrix's row only the channels first ..< first + width.
HL_INLINE void moments(const void *x, size_t positions, size_t block, size_t first, size_t width, const float *pivot,
                       float *sum, float *square, int narrow) {
    if (block == 16 || block == 8) {
        moments_fixed(x, positions, block, pivot, sum, square, narrow);
    } else if (positions == 1) {
        for (size_t j = first; j < first + width; j++) {
            float d = loaded(x, j, narrow) - pivot[j];
            sum[j] = d;
            square[j] = d * d;
        }
    } else if (block == 1) {
        moments_lanes(x, positions, pivot, sum, square, narrow);
    } else {
        for (size_t j = 0; j < block; j++) sum[j] = square[j] = 0;
        for (size_t i = 0; i < positions; i++)
            for (size_t j = 0; j < block; j++) {
                float d = loaded(x, i * block + j, narrow) - pivot[j];
                sum[j] += d;
                square[j] += d * d;
            }
    }
}

HL_CLONES void hl_batch_norm_statistics(hl_planes p, size_t which, const void *x, float *mean, float *variance,
                                        float *scratch) {
    const size_t stride = p.blocks * p.positions * p.block, start = which * p.positions * p.block;
    // Moments are taken around the first value of each channel, which keeps the variance free of cancellation.
    float *pivot = scratch, *sum = scratch + p.block, *square = scratch + 2 * p.block;
    for (size_t j = 0; j < p.block; j++) pivot[j] = loaded(x, start + j, p.narrow);
    double total[WIDEST], total_square[WIDEST];
    for (size_t first = 0; first < p.block; first += WIDEST) {
        // Double sums for WIDEST channels at a time; only a matrix has more, and its positions are few.
        const size_t width = p.block - first < WIDEST ? p.block - first : WIDEST;
        for (size_t j = 0; j < width; j++) total[j] = total_square[j] = 0;
        for (size_t n = 0; n < p.samples; n++) {
            const void *row = from(x, n * stride + start, p.narrow);
            HL_FOR_VALUES(p.narrow,
                          HL_FOR_BLOCK(16 | 8, p.block,
                                       moments(row, p.positions, BLOCK, first, width, pivot, sum, square, NARROW)));
            for (size_t j = 0; j < width; j++) {
                total[j] += sum[first + j];
                total_square[j] += square[first + j];
            }
        }
        const double count = (double)p.samples * (double)p.positions;
        for (size_t j = 0; j < width; j++) {
            double shift = total[j] / count;
            double v = total_square[j] / count - shift * shift;
            mean[first + j] = (float)(pivot[first + j] + shift);
            variance[first + j] = (float)(v > 0 ? v : 0);
        }
    }
}

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
    sum[0] = centred[0] = 0;
    for (size_t j = 0; j < LANES; j++) {
        sum[0] += s[j];
        centred[0] += c[j];
    }
}

HL_INLINE void gradient_sums_fixed(behind_relu b, int mask, int fate, void *kept, size_t positions, size_t block,
                                   const float *mean, float *sum, float *centred, int narrow) {
    float m[WIDEST], s[WIDEST] = {0}, c[WIDEST] = {0};
    for (size_t j = 0; j < block; j++) m[j] = mean[j];
    HL_ONE_BLOCK_AT_A_TIME
    for (size_t i = 0; i < positions; i++) {
        float g[WIDEST];
        for (size_t j = 0; j < block; j++) {
            const float x = loaded(b.x, i * block + j, narrow);
            g[j] = gradient_behind(b, i * block + j, j, x, mask, fate == SUM_IS_KEPT, narrow);
            s[j] += g[j];
            c[j] += g[j] * (x - m[j]);
        }
        if (fate != IS_READ)
            for (size_t j = 0; j < block; j++) store(kept, i * block + j, g[j], narrow);
    }
    for (size_t j = 0; j < block; j++) {
        sum[j] = s[j];
        centred[j] = c[j];
    }
}

HL_INLINE void gradient_sums(behind_relu b, int mask, int fate, void *kept, size_t positions, size_t block,
                             const float *mean, float *sum, float *centred, int narrow) {
    if (block == 1) {
        gradient_sums_lanes(b, mask, fate, kept, positions, mean, sum, centred, narrow);
        return;
    }
    if (block == 16 || block == 8) {
        gradient_sums_fixed(b, mask, fate, kept, positions, block, mean, sum, centred, narrow);
        return;
    }
    for (size_t j = 0; j < block; j++) sum[j] = centred[j] = 0;
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            const size_t at = i * block + j;
            const float x = loaded(b.x, at, narrow);
            const float g = gradient_behind(b, at, j, x, mask, fate == SUM_IS_KEPT, narrow);
            sum[j] += g;
            centred[j] += g * (x - mean[j]);
            if (fate != IS_READ) store(kept, at, g, narrow);
        }
}

HL_INLINE void gradient_sums_by_fate(behind_relu b, int mask, void *kept, size_t positions, size_t block,
                                     const float *mean, float *sum, float *centred, int narrow) {
    if (kept && b.addend)
        gradient_sums(b, mask, SUM_IS_KEPT, kept, positions, block, mean, sum, centred, narrow);
    else if (kept)
        gradient_sums(b, mask, IS_KEPT, kept, positions, block, mean, sum, centred, narrow);
    else
        gradient_sums(b, mask, IS_READ, NULL, positions, block, mean, sum, centred, narrow);
}

HL_CLONES void hl_batch_norm_backward_sums(hl_planes p, size_t which, const void *gradient, const void *addend,
                                           hl_relu_mask relu, const void *x, const float *mean, double *sum,
                                           double *sum_centred, void *kept, float *scratch) {
    const size_t stride = p.blocks * p.positions * p.block, start = which * p.positions * p.block;
    float *s = scratch, *c = scratch + p.block;
    for (size_t j = 0; j < p.block; j++) sum[j] = sum_centred[j] = 0;
    for (size_t n = 0; n < p.samples; n++) {
        const size_t at = n * stride + start;
        const behind_relu b = {from(gradient, at, p.narrow),
                               from(addend, at, p.narrow),
                               from(relu.output, at, p.narrow),
                               from(x, at, p.narrow),
                               relu.scale,
                               relu.shift};
        void *target = into(kept, at, p.narrow);
        HL_FOR_MASK(relu, HL_FOR_VALUES(p.narrow, HL_FOR_BLOCK(16 | 8 | 1, p.block,
                                                               gradient_sums_by_fate(b, MASK, target, p.positions,
                                                                                     BLOCK, mean, s, c, NARROW))));
        for (size_t j = 0; j < p.block; j++) {
            sum[j] += s[j];
            sum_centred[j] += c[j];
        }
    }
}
