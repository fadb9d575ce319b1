#include "hl_mix.h"

#include "blocks.h"
#include "clones.h"
#include "values.h"

enum { TILE = 64, LANES = 16, GROUP = 4 };

// A group of positions of a blocked layout, whose sums per lane stay in registers from block to block.
HL_INLINE void mix_group(hl_planes p, const void *x, const float *weights, size_t outputs, size_t first, size_t count,
                         float *y, size_t block, int narrow) {
    HL_ALIGNED float sums[HL_MIX_LIMIT][GROUP][LANES] = {{{0}}};
    for (size_t b = 0; b < p.blocks; b++) {
        const void *source = from(x, (b * p.positions + first) * block, narrow);
        for (size_t o = 0; o < outputs; o++) {
            const float *w = weights + (o * p.blocks + b) * block;
            for (size_t i = 0; i < count; i++)
                for (size_t j = 0; j < block; j++) sums[o][i][j] += w[j] * loaded(source, i * block + j, narrow);
        }
    }
    for (size_t o = 0; o < outputs; o++)
        for (size_t i = 0; i < count; i++) {
            // Halves onto halves: a chain of sixteen additions would take longer than all the rest.
            for (size_t half = block / 2; half > 0; half /= 2)
                for (size_t j = 0; j < half; j++) sums[o][i][j] += sums[o][i][j + half];
            y[o * p.positions + first + i] = sums[o][i][0];
        }
}

HL_INLINE void mix_blocked(hl_planes p, const void *x, const float *weights, size_t outputs, size_t first, size_t last,
                           float *y, size_t block, int narrow) {
    for (; first + GROUP <= last; first += GROUP) {
        // Three outputs are the common case, and a number known beforehand is what keeps the sums in registers.
        if (outputs == 3) {
            mix_group(p, x, weights, 3, first, GROUP, y, block, narrow);
        } else {
            mix_group(p, x, weights, outputs, first, GROUP, y, block, narrow);
        }
    }
    if (first < last) mix_group(p, x, weights, outputs, first, last - first, y, block, narrow);
}

HL_INLINE void mix_plain(hl_planes p, const void *x, const float *weights, size_t outputs, size_t first, size_t count,
                         float *y, int narrow) {
    for (size_t o = 0; o < outputs; o++) {
        float *target = y + o * p.positions + first;
        for (size_t i = 0; i < count; i++) target[i] = 0;
        for (size_t c = 0; c < p.blocks; c++) {
            const float w = weights[o * p.blocks + c];
            const void *source = from(x, c * p.positions + first, narrow);
            for (size_t i = 0; i < count; i++) target[i] += w * loaded(source, i, narrow);
        }
    }
}

HL_INLINE void mix(hl_planes p, const void *x, const float *weights, size_t outputs, size_t first, size_t last,
                   float *y, size_t block, int narrow) {
    if (block == 1)
        mix_plain(p, x, weights, outputs, first, last - first, y, narrow);
    else
        mix_blocked(p, x, weights, outputs, first, last, y, block, narrow);
}

HL_CLONES void hl_mix_channels(hl_planes p, const void *x, const float *weights, size_t outputs, size_t first,
                               size_t last, float *y) {
    HL_FOR_VALUES(p.narrow,
                  HL_FOR_BLOCK(16 | 8 | 1, p.block, mix(p, x, weights, outputs, first, last, y, BLOCK, NARROW)));
}

HL_INLINE void mix_back(hl_planes p, size_t which, const void *x, const float *weights, size_t outputs,
                        const float *gradient, void *input_gradient, float *weight_gradient, size_t block, int narrow) {
    const void *source = from(x, which * p.positions * block, narrow);
    void *target = into(input_gradient, which * p.positions * block, narrow);
    double totals[HL_MIX_LIMIT][LANES] = {{0}};
    for (size_t start = 0; start < p.positions; start += TILE) {
        const size_t count = p.positions - start < TILE ? p.positions - start : TILE;
        HL_ALIGNED float sums[HL_MIX_LIMIT][LANES] = {{0}};
        for (size_t i = start; i < start + count; i++) {
            float d[LANES] = {0};
            for (size_t o = 0; o < outputs; o++) {
                const float g = gradient[o * p.positions + i], *w = weights + (o * p.blocks + which) * block;
                for (size_t j = 0; j < block; j++) {
                    d[j] += w[j] * g;
                    sums[o][j] += loaded(source, i * block + j, narrow) * g;
                }
            }
            for (size_t j = 0; j < block; j++) store(target, i * block + j, d[j], narrow);
        }
        for (size_t o = 0; o < outputs; o++)
            for (size_t j = 0; j < block; j++) totals[o][j] += sums[o][j];
    }
    for (size_t o = 0; o < outputs; o++)
        for (size_t j = 0; j < block; j++) weight_gradient[(o * p.blocks + which) * block + j] = (float)totals[o][j];
}

HL_CLONES void hl_mix_channels_backward(hl_planes p, size_t which, const void *x, const float *weights, size_t outputs,
                                        const float *gradient, void *input_gradient, float *weight_gradient) {
    HL_FOR_VALUES(p.narrow, HL_FOR_BLOCK(16 | 8 | 1, p.block,
                                         mix_back(p, which, x, weights, outputs, gradient, input_gradient,
                                                  weight_gradient, BLOCK, NARROW)));
}
