#include "blocks.h"
#include "clones.h"
#include "hl_pooling.h"
#include "values.h"

// Adds up positions, of a block of which `width` channels count.
HL_INLINE void add_positions(const void *x, size_t positions, size_t block, size_t step, float *sums, size_t width,
                             int narrow) {
    float s[PIECE] = {0};
    for (size_t j = 0; j < width; j++) s[j] = sums[j];
    HL_ONE_BLOCK_AT_A_TIME
    for (size_t at = 0; at < positions * step; at += step)
        for (size_t j = 0; j < block; j++) s[j] += loaded(x, at + j, narrow);
    for (size_t j = 0; j < width; j++) sums[j] = s[j];
}

HL_INLINE void average(hl_planes p, size_t channels, size_t first, size_t last, const void *x, float *y, int narrow) {
    const float scale = 1.0f / (float)p.positions;
    for (size_t n = first; n < last; n++)
        for (size_t b = 0; b < p.blocks; b++) {
            const void *source = from(x, start_of(p, n, b), narrow);
            const size_t rest = channels - b * p.block, width = rest < p.block ? rest : p.block;
            float *sums = y + n * channels + b * p.block;
            for (size_t j = 0; j < width; j++) sums[j] = 0;
            HL_FOR_PIECES(p.positions, p.block, p.step,
                          add_positions(from(source, PLACE * STEP + CHANNEL, narrow), COUNT, BLOCK, STEP,
                                        sums + CHANNEL, width - CHANNEL < BLOCK ? width - CHANNEL : BLOCK, narrow));
            for (size_t j = 0; j < width; j++) sums[j] *= scale;
        }
}

HL_CLONES void hl_average_pool(hl_planes p, size_t channels, size_t first, size_t last, const void *x, float *y) {
    HL_FOR_VALUES(p.narrow, average(p, channels, first, last, x, y, NARROW));
}

HL_INLINE void spread(const float *gradient, size_t width, float scale, void *target, size_t positions, size_t block,
                      size_t step, int narrow) {
    float g[PIECE] = {0};
    for (size_t j = 0; j < width; j++) g[j] = gradient[j] * scale;
    HL_ONE_BLOCK_AT_A_TIME
    for (size_t at = 0; at < positions * step; at += step)
        for (size_t j = 0; j < block; j++) store(target, at + j, g[j], narrow);
}

HL_INLINE void average_back(hl_planes p, size_t channels, size_t first, size_t last, const float *gradient,
                            void *input_gradient, int narrow) {
    const float scale = 1.0f / (float)p.positions;
    for (size_t n = first; n < last; n++)
        for (size_t b = 0; b < p.blocks; b++) {
            void *target = into(input_gradient, start_of(p, n, b), narrow);
            const size_t rest = channels - b * p.block, width = rest < p.block ? rest : p.block;
            const float *source = gradient + n * channels + b * p.block;
            HL_FOR_PIECES(p.positions, p.block, p.step,
                          spread(source + CHANNEL, width - CHANNEL < BLOCK ? width - CHANNEL : BLOCK, scale,
                                 into(target, PLACE * STEP + CHANNEL, narrow), COUNT, BLOCK, STEP, narrow));
        }
}

HL_CLONES void hl_average_pool_backward(hl_planes p, size_t channels, size_t first, size_t last, const float *gradient,
                                        void *input_gradient) {
    HL_FOR_VALUES(p.narrow, average_back(p, channels, first, last, gradient, input_gradient, NARROW));
}
