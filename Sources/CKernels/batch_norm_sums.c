// The sums of batch normalisation over samples and positions, forward and backward.
#include <string.h>

#include "behind_relu.h"
#include "blocks.h"
#include "clones.h"
#include "hl_batch_norm.h"

// The loops below are written once for any block; HL_FOR_BLOCK makes one of every size, so that the compiler keeps the
// sums of one block of channels in registers. For block 1 the sums run over LANES neighbouring positions.
enum { LANES = 16, WIDEST = 16 };

// Sums of (x - pivot) and (x - pivot)² over one sample's positions, for each channel of the block. Sums run in float
// over one sample only; samples are added up in double by the caller.
HL_INLINE void moments_lanes(const float *x, size_t positions, const float *pivot, float *sum, float *square) {
    float s[LANES] = {0}, q[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= positions; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            float d = x[i + j] - pivot[0];
            s[j] += d;
            q[j] += d * d;
        }
    for (; i < positions; i++) {
        float d = x[i] - pivot[0];
        s[0] += d;
        q[0] += d * d;
    }
    sum[0] = square[0] = 0;
    for (size_t j = 0; j < LANES; j++) {
        sum[0] += s[j];
        square[0] += q[j];
    }
}

HL_INLINE void moments_fixed(const float *x, size_t positions, size_t block, const float *pivot, float *sum,
                             float *square) {
    // Two interleaved sums hide the latency of the additions.
    float p[WIDEST], s0[WIDEST] = {0}, q0[WIDEST] = {0}, s1[WIDEST] = {0}, q1[WIDEST] = {0};
    for (size_t j = 0; j < block; j++) p[j] = pivot[j];
    size_t i = 0;
    for (; i + 2 <= positions; i += 2) {
        for (size_t j = 0; j < block; j++) {
            float d = x[i * block + j] - p[j];
            s0[j] += d;
            q0[j] += d * d;
        }
        for (size_t j = 0; j < block; j++) {
            float d = x[(i + 1) * block + j] - p[j];
            s1[j] += d;
            q1[j] += d * d;
        }
    }
    for (; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            float d = x[i * block + j] - p[j];
            s0[j] += d;
            q0[j] += d * d;
        }
    for (size_t j = 0; j < block; j++) {
        sum[j] = s0[j] + s1[j];
        square[j] = q0[j] + q1[j];
    }
}

// Of a block that is a matrix's row only the channels first ..< first + width.
HL_INLINE void moments(const float *x, size_t positions, size_t block, size_t first, size_t width, const float *pivot,
                       float *sum, float *square) {
    if (block == 16 || block == 8) {
        moments_fixed(x, positions, block, pivot, sum, square);
    } else if (positions == 1) {
        for (size_t j = first; j < first + width; j++) {
            float d = x[j] - pivot[j];
            sum[j] = d;
            square[j] = d * d;
        }
    } else if (block == 1) {
        moments_lanes(x, positions, pivot, sum, square);
    } else {
        for (size_t j = 0; j < block; j++) sum[j] = square[j] = 0;
        for (size_t i = 0; i < positions; i++)
            for (size_t j = 0; j < block; j++) {
                float d = x[i * block + j] - pivot[j];
                sum[j] += d;
                square[j] += d * d;
            }
    }
}

HL_CLONES void hl_batch_norm_statistics(hl_planes p, size_t which, const float *x, float *mean, float *variance,
                                        float *scratch) {
    const size_t stride = p.blocks * p.positions * p.block, start = which * p.positions * p.block;
    // Moments are taken around the first value of each channel, which keeps the variance free of cancellation.
    float *pivot = scratch, *sum = scratch + p.block, *square = scratch + 2 * p.block;
    memcpy(pivot, x + start, p.block * sizeof(float));
    double total[WIDEST], total_square[WIDEST];
    for (size_t first = 0; first < p.block; first += WIDEST) {
        // Double sums for WIDEST channels at a time; only a matrix has more, and its positions are few.
        const size_t width = p.block - first < WIDEST ? p.block - first : WIDEST;
        for (size_t j = 0; j < width; j++) total[j] = total_square[j] = 0;
        for (size_t n = 0; n < p.samples; n++) {
            const float *row = x + n * stride + start;
            HL_FOR_BLOCK(16 | 8, p.block, moments(row, p.positions, BLOCK, first, width, pivot, sum, square));
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

HL_INLINE void gradient_sums_lanes(const float *gradient, const float *y, const float *x, size_t positions,
                                   const float *mean, float *sum, float *centred) {
    float s[LANES] = {0}, c[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= positions; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            float g = behind_relu(gradient[i + j], y, i + j);
            s[j] += g;
            c[j] += g * (x[i + j] - mean[0]);
        }
    for (; i < positions; i++) {
        float g = behind_relu(gradient[i], y, i);
        s[0] += g;
        c[0] += g * (x[i] - mean[0]);
    }
    sum[0] = centred[0] = 0;
    for (size_t j = 0; j < LANES; j++) {
        sum[0] += s[j];
        centred[0] += c[j];
    }
}

HL_INLINE void gradient_sums_fixed(const float *gradient, const float *y, const float *x, size_t positions,
                                   size_t block, const float *mean, float *sum, float *centred) {
    float m[WIDEST], s[WIDEST] = {0}, c[WIDEST] = {0};
    for (size_t j = 0; j < block; j++) m[j] = mean[j];
    HL_ONE_BLOCK_AT_A_TIME
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            const size_t at = i * block + j;
            float g = behind_relu(gradient[at], y, at);
            s[j] += g;
            c[j] += g * (x[at] - m[j]);
        }
    for (size_t j = 0; j < block; j++) {
        sum[j] = s[j];
        centred[j] = c[j];
    }
}

HL_INLINE void gradient_sums(const float *gradient, const float *y, const float *x, size_t positions, size_t block,
                             const float *mean, float *sum, float *centred) {
    if (block == 1) {
        gradient_sums_lanes(gradient, y, x, positions, mean, sum, centred);
        return;
    }
    if (block == 16 || block == 8) {
        gradient_sums_fixed(gradient, y, x, positions, block, mean, sum, centred);
        return;
    }
    for (size_t j = 0; j < block; j++) sum[j] = centred[j] = 0;
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            const size_t at = i * block + j;
            float g = behind_relu(gradient[at], y, at);
            sum[j] += g;
            centred[j] += g * (x[at] - mean[j]);
        }
}

HL_CLONES void hl_batch_norm_backward_sums(hl_planes p, size_t which, const float *gradient, const float *y,
                                           const float *x, const float *mean, double *sum, double *sum_centred,
                                           float *scratch) {
    const size_t stride = p.blocks * p.positions * p.block, start = which * p.positions * p.block;
    float *s = scratch, *c = scratch + p.block;
    for (size_t j = 0; j < p.block; j++) sum[j] = sum_centred[j] = 0;
    for (size_t n = 0; n < p.samples; n++) {
        const size_t at = n * stride + start;
        const float *mask = y ? y + at : NULL;
        if (mask)
            HL_FOR_BLOCK(16 | 8 | 1, p.block,
                         gradient_sums(gradient + at, mask, x + at, p.positions, BLOCK, mean, s, c));
        else
            HL_FOR_BLOCK(16 | 8 | 1, p.block,
                         gradient_sums(gradient + at, NULL, x + at, p.positions, BLOCK, mean, s, c));
        for (size_t j = 0; j < p.block; j++) {
            sum[j] += s[j];
            sum_centred[j] += c[j];
        }
    }
}
