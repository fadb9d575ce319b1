#include <string.h>

#include "clones.h"
#include "hl_planes.h"

// The loops below are written once for any block and instantiated for the block sizes that occur, so that the compiler
// keeps the sums of one block of channels in registers. For block 1 the sums run over LANES neighbouring positions.
enum { LANES = 16 };

// Sums of (x - pivot) and (x - pivot)² over one sample's positions, per channel of the block. Sums run in float over
// one sample only; samples are added up in double by the caller.
HL_INLINE void sample_moments(const float *x, size_t positions, size_t block, const float *pivot, float *sum,
                              float *square) {
    if (block == 1) {
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
        return;
    }
    for (size_t j = 0; j < block; j++) sum[j] = square[j] = 0;
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            float d = x[i * block + j] - pivot[j];
            sum[j] += d;
            square[j] += d * d;
        }
}

HL_INLINE void moments_fixed(const float *x, size_t positions, size_t block, const float *pivot, float *sum,
                             float *square) {
    // Two interleaved sums hide the latency of the additions.
    float p[16], s0[16] = {0}, q0[16] = {0}, s1[16] = {0}, q1[16] = {0};
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

HL_CLONES void hl_batch_norm_statistics(hl_planes p, size_t which, const float *x, float *mean, float *variance,
                                        float *scratch) {
    const size_t stride = p.blocks * p.positions * p.block, start = which * p.positions * p.block;
    // Moments are taken around the first value of each channel, which keeps the variance free of cancellation.
    float *pivot = scratch, *sum = scratch + p.block, *square = scratch + 2 * p.block;
    memcpy(pivot, x + start, p.block * sizeof(float));
    double total[16], total_square[16];
    for (size_t first = 0; first < p.block; first += 16) {
        // Double sums for 16 channels at a time; only a matrix has more, and its positions are few.
        const size_t width = p.block - first < 16 ? p.block - first : 16;
        for (size_t j = 0; j < width; j++) total[j] = total_square[j] = 0;
        for (size_t n = 0; n < p.samples; n++) {
            const float *row = x + n * stride + start;
            if (p.block == 16)
                moments_fixed(row, p.positions, 16, pivot, sum, square);
            else if (p.block == 8)
                moments_fixed(row, p.positions, 8, pivot, sum, square);
            else if (p.positions == 1)
                for (size_t j = first; j < first + width; j++) {
                    float d = row[j] - pivot[j];
                    sum[j] = d;
                    square[j] = d * d;
                }
            else
                sample_moments(row, p.positions, p.block, pivot, sum, square);
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

HL_INLINE void apply_rows(const float *x, const float *residual, float *y, size_t positions, size_t block,
                          const float *scale, const float *shift, int relu) {
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            float v = x[i * block + j] * scale[j] + shift[j];
            if (residual) v += residual[i * block + j];
            if (relu) v = v > 0.0f ? v : 0.0f;
            y[i * block + j] = v;
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
        if (p.block == 1)
            apply_block(x + at, r, y + at, p.positions, 1, scale, shift, relu);
        else if (p.block == 16)
            apply_block(x + at, r, y + at, p.positions, 16, scale, shift, relu);
        else
            apply_block(x + at, r, y + at, p.positions, p.block, scale, shift, relu);
    }
}

HL_INLINE void gradient_sums(const float *gradient, const float *y, const float *x, size_t positions, size_t block,
                             const float *mean, float *sum, float *centred) {
    for (size_t j = 0; j < block; j++) sum[j] = centred[j] = 0;
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            const size_t at = i * block + j;
            float g = y ? (y[at] > 0.0f ? gradient[at] : 0.0f) : gradient[at];
            sum[j] += g;
            centred[j] += g * (x[at] - mean[j]);
        }
}

HL_INLINE void gradient_sums_lanes(const float *gradient, const float *y, const float *x, size_t positions,
                                   const float *mean, float *sum, float *centred) {
    float s[LANES] = {0}, c[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= positions; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            float g = y ? (y[i + j] > 0.0f ? gradient[i + j] : 0.0f) : gradient[i + j];
            s[j] += g;
            c[j] += g * (x[i + j] - mean[0]);
        }
    for (; i < positions; i++) {
        float g = y ? (y[i] > 0.0f ? gradient[i] : 0.0f) : gradient[i];
        s[0] += g;
        c[0] += g * (x[i] - mean[0]);
    }
    sum[0] = centred[0] = 0;
    for (size_t j = 0; j < LANES; j++) {
        sum[0] += s[j];
        centred[0] += c[j];
    }
}

HL_INLINE void gradient_sums_fixed(const float *gradient, const float *y, const float *x, size_t positions, size_t block,
                                   const float *mean, float *sum, float *centred) {
    float m[16], s[16] = {0}, c[16] = {0};
    for (size_t j = 0; j < block; j++) m[j] = mean[j];
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            const size_t at = i * block + j;
            float g = y ? (y[at] > 0.0f ? gradient[at] : 0.0f) : gradient[at];
            s[j] += g;
            c[j] += g * (x[at] - m[j]);
        }
    for (size_t j = 0; j < block; j++) {
        sum[j] = s[j];
        centred[j] = c[j];
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
        if (p.block == 16) {
            if (mask)
                gradient_sums_fixed(gradient + at, mask, x + at, p.positions, 16, mean, s, c);
            else
                gradient_sums_fixed(gradient + at, NULL, x + at, p.positions, 16, mean, s, c);
        } else if (p.block == 1)
            gradient_sums_lanes(gradient + at, mask, x + at, p.positions, mean, s, c);
        else
            gradient_sums(gradient + at, mask, x + at, p.positions, p.block, mean, s, c);
        for (size_t j = 0; j < p.block; j++) {
            sum[j] += s[j];
            sum_centred[j] += c[j];
        }
    }
}

HL_INLINE void backward_rows(const float *gradient, const float *y, const float *x, float *input_gradient,
                             float *residual_gradient, size_t positions, size_t block, const float *a, const float *b,
                             const float *c) {
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            const size_t at = i * block + j;
            float g = y ? (y[at] > 0.0f ? gradient[at] : 0.0f) : gradient[at];
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
    else
        backward_rows(gradient, NULL, x, input_gradient, residual_gradient, positions, block, a, b, c);
}

HL_CLONES void hl_batch_norm_backward_apply(hl_planes p, size_t which, const float *gradient, const float *y,
                                            const float *x, float *input_gradient, float *residual_gradient,
                                            const float *a, const float *b, const float *c) {
    const size_t stride = p.blocks * p.positions * p.block, start = which * p.positions * p.block;
    for (size_t n = 0; n < p.samples; n++) {
        const size_t at = n * stride + start;
        const float *mask = y ? y + at : NULL;
        float *r = residual_gradient ? residual_gradient + at : NULL;
        if (p.block == 16)
            backward_block(gradient + at, mask, x + at, input_gradient + at, r, p.positions, 16, a, b, c);
        else if (p.block == 1)
            backward_block(gradient + at, mask, x + at, input_gradient + at, r, p.positions, 1, a, b, c);
        else
            backward_block(gradient + at, mask, x + at, input_gradient + at, r, p.positions, p.block, a, b, c);
    }
}
