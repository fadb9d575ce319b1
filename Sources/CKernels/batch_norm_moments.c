// The sums that mean and variance of batch normalisation are made of.
#include "blocks.h"
#include "clones.h"
#include "hl_batch_norm.h"
#include "values.h"

// The loops below are written once for any block; HL_FOR_PIECES makes one of every size, so that the compiler keeps the
// sums of one block of channels in registers. For block 1 the sums run over LANES neighbouring positions.
enum { LANES = 16 };

// Sums of (x - pivot) and (x - pivot)² over one sample's positions, for each channel of the block. Sums run in float
// over one sample only; samples are added up in double by the caller. All are added to what is there.
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
    for (size_t j = 0; j < LANES; j++) {
        sum[0] += s[j];
        square[0] += q[j];
    }
}

// For a piece of a wide block sums go on from tile to tile, those of even positions and those of odd ones by themselves.
HL_INLINE void moments_fixed(const void *x, size_t positions, size_t block, size_t step, const float *pivot,
                             float *even, float *even_square, float *odd, float *odd_square, int narrow) {
    // Two interleaved sums hide the latency of the additions.
    float p[PIECE], s0[PIECE], q0[PIECE], s1[PIECE], q1[PIECE];
    for (size_t j = 0; j < block; j++) p[j] = pivot[j];
    for (size_t j = 0; j < block; j++) {
        s0[j] = even[j];
        q0[j] = even_square[j];
        s1[j] = odd[j];
        q1[j] = odd_square[j];
    }
    size_t i = 0;
    for (; i + 2 <= positions; i += 2) {
        for (size_t j = 0; j < block; j++) {
            float d = loaded(x, i * step + j, narrow) - p[j];
            s0[j] += d;
            q0[j] += d * d;
        }
        for (size_t j = 0; j < block; j++) {
            float d = loaded(x, (i + 1) * step + j, narrow) - p[j];
            s1[j] += d;
            q1[j] += d * d;
        }
    }
    for (; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            float d = loaded(x, i * step + j, narrow) - p[j];
            s0[j] += d;
            q0[j] += d * d;
        }
    for (size_t j = 0; j < block; j++) {
        even[j] = s0[j];
        even_square[j] = q0[j];
        odd[j] = s1[j];
        odd_square[j] = q1[j];
    }
}

// The sums of one sample's block; each of `sum` and `square` holds twice as many floats as it has channels.
HL_INLINE void moments(hl_planes p, const void *x, const float *pivot, float *sum, float *square, int narrow) {
    for (size_t j = 0; j < 2 * p.block; j++) sum[j] = square[j] = 0;
    HL_FOR_PIECES(p.positions, p.block, p.step, {
        const void *source = from(x, PLACE * STEP + CHANNEL, narrow);
        if (STEP == 1)
            moments_lanes(source, COUNT, pivot, sum, square, narrow);
        else
            moments_fixed(source, COUNT, BLOCK, STEP, pivot + CHANNEL, sum + CHANNEL, square + CHANNEL,
                          sum + p.block + CHANNEL, square + p.block + CHANNEL, narrow);
    });
    for (size_t j = 0; j < p.block; j++) {
        sum[j] += sum[p.block + j];
        square[j] += square[p.block + j];
    }
}

void hl_batch_norm_pivot(hl_planes p, size_t which, const void *x, float *pivot) {
    const size_t start = start_of(p, 0, which);
    for (size_t j = 0; j < p.block; j++) pivot[j] = loaded(x, start + j, p.narrow);
}

HL_CLONES void hl_batch_norm_moments(hl_planes p, size_t which, const void *x, const float *pivot, double *sum,
                                     double *square, float *scratch) {
    float *s = scratch, *q = scratch + 2 * p.block;
    for (size_t j = 0; j < p.block; j++) sum[j] = square[j] = 0;
    for (size_t n = 0; n < p.samples; n++) {
        const void *source = from(x, start_of(p, n, which), p.narrow);
        HL_FOR_VALUES(p.narrow, moments(p, source, pivot, s, q, NARROW));
        for (size_t j = 0; j < p.block; j++) {
            sum[j] += s[j];
            square[j] += q[j];
        }
    }
}

void hl_batch_norm_statistics(size_t channels, double count, const float *pivot, const double *sum,
                              const double *square, float *mean, float *variance) {
    for (size_t j = 0; j < channels; j++) {
        const double shift = sum[j] / count;
        const double v = square[j] / count - shift * shift;
        mean[j] = (float)(pivot[j] + shift);
        variance[j] = (float)(v > 0 ? v : 0);
    }
}
