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

HL_INLINE void gradient_sums_lanes(const void *gradient, int mask, const void *y, const void *x, size_t positions,
                                   float scale, float shift, const float *mean, float *sum, float *centred,
                                   int narrow) {
    float s[LANES] = {0}, c[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= positions; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            const float value = loaded(x, i + j, narrow);
            float g = behind_relu(loaded(gradient, i + j, narrow), mask, y, i + j, value, scale, shift, narrow);
            s[j] += g;
            c[j] += g * (value - mean[0]);
        }
    for (; i < positions; i++) {
        const float value = loaded(x, i, narrow);
        float g = behind_relu(loaded(gradient, i, narrow), mask, y, i, value, scale, shift, narrow);
        s[0] += g;
        c[0] += g * (value - mean[0]);
    }
    sum[0] = centred[0] = 0;
    for (size_t j = 0; j < LANES; j++) {
        sum[0] += s[j];
        centred[0] += c[j];
    }
}

HL_INLINE void gradient_sums_fixed(const void *gradient, int mask, const void *y, const void *x, size_t positions,
                                   size_t block, const float *scale, const float *shift, const float *mean, float *sum,
                                   float *centred, int narrow) {
    float m[WIDEST], s[WIDEST] = {0}, c[WIDEST] = {0};
    for (size_t j = 0; j < block; j++) m[j] = mean[j];
    HL_ONE_BLOCK_AT_A_TIME
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            const size_t at = i * block + j;
            const float value = loaded(x, at, narrow);
            float g = behind_relu(loaded(gradient, at, narrow), mask, y, at, value, scale[j], shift[j], narrow);
            s[j] += g;
            c[j] += g * (value - m[j]);
        }
    for (size_t j = 0; j < block; j++) {
        sum[j] = s[j];
        centred[j] = c[j];
    }
}

HL_INLINE void gradient_sums(const void *gradient, int mask, const void *y, const void *x, size_t positions,
                             size_t block, const float *scale, const float *shift, const float *mean, float *sum,
                             float *centred, int narrow) {
    // Neither is read where the mask does not come from the input.
    const float *factors = mask == MASK_OF_INPUT ? scale : mean, *offsets = mask == MASK_OF_INPUT ? shift : mean;
    if (block == 1) {
        gradient_sums_lanes(gradient, mask, y, x, positions, factors[0], offsets[0], mean, sum, centred, narrow);
        return;
    }
    if (block == 16 || block == 8) {
        gradient_sums_fixed(gradient, mask, y, x, positions, block, factors, offsets, mean, sum, centred, narrow);
        return;
    }
    for (size_t j = 0; j < block; j++) sum[j] = centred[j] = 0;
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            const size_t at = i * block + j;
            const float value = loaded(x, at, narrow);
            float g = behind_relu(loaded(gradient, at, narrow), mask, y, at, value, factors[j], offsets[j], narrow);
            sum[j] += g;
            centred[j] += g * (value - mean[j]);
        }
}

HL_CLONES void hl_batch_norm_backward_sums(hl_planes p, size_t which, const void *gradient, hl_relu_mask relu,
                                           const void *x, const float *mean, double *sum, double *sum_centred,
                                           float *scratch) {
    const size_t stride = p.blocks * p.positions * p.block, start = which * p.positions * p.block;
    float *s = scratch, *c = scratch + p.block;
    for (size_t j = 0; j < p.block; j++) sum[j] = sum_centred[j] = 0;
    for (size_t n = 0; n < p.samples; n++) {
        const size_t at = n * stride + start;
        const void *g = from(gradient, at, p.narrow), *y = from(relu.output, at, p.narrow);
        const void *source = from(x, at, p.narrow);
        HL_FOR_MASK(
            relu, HL_FOR_VALUES(p.narrow, HL_FOR_BLOCK(16 | 8 | 1, p.block,
                                                       gradient_sums(g, MASK, y, source, p.positions, BLOCK, relu.scale,
                                                                     relu.shift, mean, s, c, NARROW))));
        for (size_t j = 0; j < p.block; j++) {
            sum[j] += s[j];
            sum_centred[j] += c[j];
        }
    }
}
