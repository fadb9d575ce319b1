// The sums that mean and variance of batch normalisation are made of.
#include "blocks.h"
#include "clones.h"
#include "hl_batch_norm.h"
#include "lanes.h"
#include "values.h"

typedef struct {
    lanes plain, square;
} moment_sums;

HL_INLINE void add_moments(moment_sums *sums, const void *x, size_t at, size_t count, size_t ahead, lanes pivot,
                           int narrow) {
    const lanes d = {streamed_lanes(x, at, count, ahead, narrow).v - pivot.v};
    sums->plain.v += d.v;
    sums->square.v += d.v * d.v;
}

// Sums of (x - pivot) and (x - pivot)² over one sample's positions of one channel, by neighbouring positions. All are added to what
// is there.
HL_INLINE void moments_lanes(const void *x, size_t positions, const float *pivot, float *sum, float *square,
                             int narrow) {
    moment_sums sums = {{{0}}, {{0}}};
    const lanes around = all_lanes(pivot[0]);
    size_t i = 0;
    for (; i + LANE_COUNT <= positions; i += LANE_COUNT) add_moments(&sums, x, i, LANE_COUNT, 0, around, narrow);
    float s[LANE_COUNT], q[LANE_COUNT];
    keep_lanes(s, 0, LANE_COUNT, sums.plain, 0);
    keep_lanes(q, 0, LANE_COUNT, sums.square, 0);
    for (; i < positions; i++) {
        const float d = loaded(x, i, narrow) - pivot[0];
        s[0] += d;
        q[0] += d * d;
    }
    for (size_t j = 0; j < LANE_COUNT; j++) {
        sum[0] += s[j];
        square[0] += q[j];
    }
}

// Those of all channels of a position.
HL_INLINE void add_position(moment_sums *sums, const void *x, size_t at, size_t block, size_t ahead,
                            const lanes *pivots, int narrow) {
    HL_FOR_VECTORS(c, block) {
        add_moments(&sums[c / LANE_COUNT], x, at + c, lanes_from(c, block), ahead_from(c, ahead, narrow),
                    pivots[c / LANE_COUNT], narrow);
    }
}

// The same for a block of channels, or a piece of a wide one, whose sums go on from tile to tile: those of even positions and those
// of odd ones by themselves, which hides the latency of the additions.
HL_INLINE void moments_block(const void *x, size_t positions, size_t block, size_t step, size_t ahead,
                             const float *pivot, float *even, float *even_square, float *odd, float *odd_square,
                             int narrow) {
    lanes around[MOST_VECTORS];
    moment_sums first[MOST_VECTORS], second[MOST_VECTORS];
    HL_FOR_VECTORS(c, block) {
        const size_t count = lanes_from(c, block);
        around[c / LANE_COUNT] = lanes_at(pivot, c, count, 0);
        first[c / LANE_COUNT] = (moment_sums){lanes_at(even, c, count, 0), lanes_at(even_square, c, count, 0)};
        second[c / LANE_COUNT] = (moment_sums){lanes_at(odd, c, count, 0), lanes_at(odd_square, c, count, 0)};
    }
    size_t i = 0;
    for (; i + 2 <= positions; i += 2) {
        add_position(first, x, i * step, block, ahead, around, narrow);
        add_position(second, x, (i + 1) * step, block, ahead, around, narrow);
    }
    if (i < positions) add_position(first, x, i * step, block, ahead, around, narrow);
    HL_FOR_VECTORS(c, block) {
        const size_t count = lanes_from(c, block);
        keep_lanes(even, c, count, first[c / LANE_COUNT].plain, 0);
        keep_lanes(even_square, c, count, first[c / LANE_COUNT].square, 0);
        keep_lanes(odd, c, count, second[c / LANE_COUNT].plain, 0);
        keep_lanes(odd_square, c, count, second[c / LANE_COUNT].square, 0);
    }
}

// The sums of one sample's block; each of `sum` and `square` holds twice as many floats as it has channels.
HL_INLINE void moments(hl_planes p, const void *x, const float *pivot, float *sum, float *square, int narrow) {
    for (size_t j = 0; j < 2 * p.block; j++) sum[j] = square[j] = 0;
    HL_FOR_WIDE_PIECES(MOST_VECTORS, p.positions, p.block, p.step, {
        const void *source = from(x, PLACE * STEP + CHANNEL, narrow);
        if (STEP == 1)
            moments_lanes(source, COUNT, pivot, sum, square, narrow);
        else
            moments_block(source, COUNT, BLOCK, STEP, AHEAD, pivot + CHANNEL, sum + CHANNEL, square + CHANNEL,
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
