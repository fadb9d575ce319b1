#include "hl_mix.h"

#include "blocks.h"
#include "clones.h"
#include "values.h"

enum { TILE = 64, GROUP = 4 };

// Onto the sums per lane of a group of positions what a piece of their channels adds. The weights of the outputs lie `stride`
// floats apart.
HL_INLINE void mix_piece(const void *x, const float *weights, size_t stride, size_t outputs, size_t count,
                         float sums[HL_MIX_LIMIT][GROUP][PIECE], size_t block, size_t step, int narrow) {
    for (size_t o = 0; o < outputs; o++) {
        const float *w = weights + o * stride;
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < block; j++) sums[o][i][j] += w[j] * loaded(x, i * step + j, narrow);
    }
}

// A group of positions, whose sums per lane stay in registers from block to block.
HL_INLINE void mix_group(hl_planes p, const void *x, const float *weights, size_t outputs, size_t first, size_t count,
                         float *y, size_t block, size_t lanes, size_t step, int narrow) {
    HL_ALIGNED float sums[HL_MIX_LIMIT][GROUP][PIECE] = {{{0}}};
    const size_t stride = p.blocks * block;
    for (size_t b = 0; b < p.blocks; b++) {
        const void *source = from(x, start_of(p, 0, b) + first * step, narrow);
        const float *w = weights + b * block;
        size_t c = 0;
        for (; c + lanes <= block; c += lanes)
            mix_piece(from(source, c, narrow), w + c, stride, outputs, count, sums, lanes, step, narrow);
        if (c < block) mix_piece(from(source, c, narrow), w + c, stride, outputs, count, sums, block - c, step, narrow);
    }
    for (size_t o = 0; o < outputs; o++)
        for (size_t i = 0; i < count; i++) {
            // Halves onto halves: a chain of sixteen additions would take longer than all the rest.
            for (size_t half = lanes / 2; half > 0; half /= 2)
                for (size_t j = 0; j < half; j++) sums[o][i][j] += sums[o][i][j + half];
            y[o * p.positions + first + i] = sums[o][i][0];
        }
}

HL_INLINE void mix_blocked(hl_planes p, const void *x, const float *weights, size_t outputs, size_t first, size_t last,
                           float *y, size_t block, size_t lanes, size_t step, int narrow) {
    for (; first + GROUP <= last; first += GROUP) {
        // Three outputs are the common case, and a number known beforehand is what keeps the sums in registers.
        if (outputs == 3) {
            mix_group(p, x, weights, 3, first, GROUP, y, block, lanes, step, narrow);
        } else {
            mix_group(p, x, weights, outputs, first, GROUP, y, block, lanes, step, narrow);
        }
    }
    if (first < last) mix_group(p, x, weights, outputs, first, last - first, y, block, lanes, step, narrow);
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
                   float *y, size_t block, size_t lanes, size_t step, int narrow) {
    if (step == 1)
        mix_plain(p, x, weights, outputs, first, last - first, y, narrow);
    else
        mix_blocked(p, x, weights, outputs, first, last, y, block, lanes, step, narrow);
}

HL_CLONES void hl_mix_channels(hl_planes p, const void *x, const float *weights, size_t outputs, size_t first,
                               size_t last, float *y) {
    HL_FOR_VALUES(p.narrow, HL_FOR_BLOCK(p.block, p.step,
                                         mix(p, x, weights, outputs, first, last, y, BLOCK, LANES, STEP, NARROW)));
}

// A piece of a block over all positions. The weights of the outputs lie `stride` floats apart, and so do their gradients.
HL_INLINE void mix_back(const void *x, const float *weights, size_t stride, size_t outputs, const float *gradient,
                        void *input_gradient, float *weight_gradient, size_t positions, size_t block, size_t step,
                        int narrow) {
    double totals[HL_MIX_LIMIT][PIECE] = {{0}};
    for (size_t start = 0; start < positions; start += TILE) {
        const size_t count = positions - start < TILE ? positions - start : TILE;
        HL_ALIGNED float sums[HL_MIX_LIMIT][PIECE] = {{0}};
        for (size_t i = start; i < start + count; i++) {
            float d[PIECE] = {0};
            for (size_t o = 0; o < outputs; o++) {
                const float g = gradient[o * positions + i], *w = weights + o * stride;
                for (size_t j = 0; j < block; j++) {
                    d[j] += w[j] * g;
                    sums[o][j] += loaded(x, i * step + j, narrow) * g;
                }
            }
            for (size_t j = 0; j < block; j++) store(input_gradient, i * step + j, d[j], narrow);
        }
        for (size_t o = 0; o < outputs; o++)
            for (size_t j = 0; j < block; j++) totals[o][j] += sums[o][j];
    }
    for (size_t o = 0; o < outputs; o++)
        for (size_t j = 0; j < block; j++) weight_gradient[o * stride + j] = (float)totals[o][j];
}

HL_INLINE void mix_block_back(hl_planes p, size_t which, const void *x, const float *weights, size_t outputs,
                              const float *gradient, void *input_gradient, float *weight_gradient, size_t block,
                              size_t lanes, size_t step, int narrow) {
    const size_t start = start_of(p, 0, which), stride = p.blocks * block;
    for (size_t c = 0; c < block; c += lanes) {
        const size_t at = start + c, w = which * block + c;
        if (c + lanes <= block)
            mix_back(from(x, at, narrow), weights + w, stride, outputs, gradient, into(input_gradient, at, narrow),
                     weight_gradient + w, p.positions, lanes, step, narrow);
        else
            mix_back(from(x, at, narrow), weights + w, stride, outputs, gradient, into(input_gradient, at, narrow),
                     weight_gradient + w, p.positions, block - c, step, narrow);
    }
}

HL_CLONES void hl_mix_channels_backward(hl_planes p, size_t which, const void *x, const float *weights, size_t outputs,
                                        const float *gradient, void *input_gradient, float *weight_gradient) {
    HL_FOR_VALUES(p.narrow, HL_FOR_BLOCK(p.block, p.step,
                                         mix_block_back(p, which, x, weights, outputs, gradient, input_gradient,
                                                        weight_gradient, BLOCK, LANES, STEP, NARROW)));
}
