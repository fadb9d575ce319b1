#include "hl_upsample.h"

#include <string.h>

#include "blocks.h"
#include "clones.h"
#include "values.h"

HL_INLINE void add_row(const void *small, void *large, size_t width, size_t block, size_t step, int narrow) {
    if (step == 1) {
        for (size_t i = 0; i < width; i++) {
            const float v = loaded(small, i, narrow);
            for (size_t at = 2 * i; at < 2 * i + 2; at++) store(large, at, loaded(large, at, narrow) + v, narrow);
        }
        return;
    }
    // By way of local arrays: what is read cannot then be what has just been written.
    HL_ONE_BLOCK_AT_A_TIME
    for (size_t i = 0; i < width; i++) {
        const size_t from_small = i * step, at = 2 * i * step;
        float left[PIECE], right[PIECE];
        for (size_t j = 0; j < block; j++) {
            const float v = loaded(small, from_small + j, narrow);
            left[j] = loaded(large, at + j, narrow) + v;
            right[j] = loaded(large, at + step + j, narrow) + v;
        }
        for (size_t j = 0; j < block; j++) store(large, at + j, left[j], narrow);
        for (size_t j = 0; j < block; j++) store(large, at + step + j, right[j], narrow);
    }
}

HL_INLINE void add_pieces(const void *small, void *large, size_t width, size_t block, int narrow) {
    HL_FOR_PIECES(width, block, block,
                  add_row(from(small, PLACE * STEP + CHANNEL, narrow), into(large, 2 * PLACE * STEP + CHANNEL, narrow),
                          COUNT, BLOCK, STEP, narrow));
}

HL_CLONES void hl_add_upsampled(const void *small, void *large, size_t first, size_t last, size_t height, size_t width,
                                size_t block, int narrow) {
    for (size_t row = first * height; row < last * height; row++)
        for (size_t half = 0; half < 2; half++) {
            const void *source = from(small, row * width * block, narrow);
            void *target = into(large, (2 * row + half) * 2 * width * block, narrow);
            HL_FOR_VALUES(narrow, add_pieces(source, target, width, block, NARROW));
        }
}

HL_INLINE void copy_row(const char *small, char *large, size_t width, size_t size) {
    HL_ONE_BLOCK_AT_A_TIME
    for (size_t i = 0; i < width; i++, small += size, large += 2 * size)
        for (size_t half = 0; half < 2; half++) memcpy(large + half * size, small, size);
}

HL_CLONES void hl_upsample(const void *small, void *restrict large, size_t first, size_t last, size_t height,
                           size_t width, size_t block, int narrow) {
    for (size_t row = first * height; row < last * height; row++)
        for (size_t half = 0; half < 2; half++) {
            const void *source = from(small, row * width * block, narrow);
            void *target = into(large, (2 * row + half) * 2 * width * block, narrow);
            HL_FOR_VALUES(narrow,
                          HL_FOR_BLOCK(block, block, copy_row(source, target, width, BLOCK * value_size(NARROW))));
        }
}

HL_INLINE float sum_square(const void *upper, const void *lower, size_t left, size_t right, int narrow) {
    return (loaded(upper, left, narrow) + loaded(upper, right, narrow)) +
           (loaded(lower, left, narrow) + loaded(lower, right, narrow));
}

HL_INLINE void sum_rows(const void *upper, const void *lower, void *small, size_t width, size_t block, size_t step,
                        int narrow) {
    if (step == 1) {
        for (size_t i = 0; i < width; i++) store(small, i, sum_square(upper, lower, 2 * i, 2 * i + 1, narrow), narrow);
        return;
    }
    HL_ONE_BLOCK_AT_A_TIME
    for (size_t i = 0; i < width; i++) {
        const size_t at = 2 * i * step;
        float sums[PIECE];
        for (size_t j = 0; j < block; j++) sums[j] = sum_square(upper, lower, at + j, at + step + j, narrow);
        for (size_t j = 0; j < block; j++) store(small, i * step + j, sums[j], narrow);
    }
}

HL_INLINE void sum_pieces(const void *upper, const void *lower, void *small, size_t width, size_t block, int narrow) {
    HL_FOR_PIECES(width, block, block, {
        const size_t at = 2 * PLACE * STEP + CHANNEL;
        sum_rows(from(upper, at, narrow), from(lower, at, narrow), into(small, PLACE * STEP + CHANNEL, narrow), COUNT,
                 BLOCK, STEP, narrow);
    });
}

HL_CLONES void hl_sum_squares(const void *large, void *small, size_t first, size_t last, size_t height, size_t width,
                              size_t block, int narrow) {
    for (size_t row = first * height; row < last * height; row++) {
        const void *upper = from(large, 2 * row * 2 * width * block, narrow);
        const void *lower = from(upper, 2 * width * block, narrow);
        void *target = into(small, row * width * block, narrow);
        HL_FOR_VALUES(narrow, sum_pieces(upper, lower, target, width, block, NARROW));
    }
}

void hl_filter_upsampled(const float *small, float *large, size_t first, size_t last, size_t height, size_t width,
                         const float *taps) {
    for (size_t plane = first; plane < last; plane++) {
        const float *source = small + plane * height * width;
        float *target = large + plane * 4 * height * width;
        for (size_t y = 0; y < 2 * height; y++)
            for (size_t x = 0; x < 2 * width; x++) {
                const size_t p = y & 1, q = x & 1;
                float sum = 0;
                for (size_t a = 0; a < 2; a++) {
                    // Positions are counted from 1, so that the one before the first is 0.
                    const size_t row = y / 2 + p + a;
                    if (row < 1 || row > height) continue;
                    for (size_t b = 0; b < 2; b++) {
                        const size_t column = x / 2 + q + b;
                        if (column < 1 || column > width) continue;
                        sum += source[(row - 1) * width + column - 1] * taps[((p * 2 + q) * 2 + a) * 2 + b];
                    }
                }
                target[y * 2 * width + x] = sum;
            }
    }
}

void hl_filter_upsampled_backward(const float *large, float *small, size_t first, size_t last, size_t height,
                                  size_t width, const float *taps) {
    memset(small + first * height * width, 0, (last - first) * height * width * sizeof(float));
    for (size_t plane = first; plane < last; plane++) {
        float *target = small + plane * height * width;
        const float *source = large + plane * 4 * height * width;
        for (size_t y = 0; y < 2 * height; y++)
            for (size_t x = 0; x < 2 * width; x++) {
                const size_t p = y & 1, q = x & 1;
                const float g = source[y * 2 * width + x];
                for (size_t a = 0; a < 2; a++) {
                    const size_t row = y / 2 + p + a;
                    if (row < 1 || row > height) continue;
                    for (size_t b = 0; b < 2; b++) {
                        const size_t column = x / 2 + q + b;
                        if (column < 1 || column > width) continue;
                        target[(row - 1) * width + column - 1] += g * taps[((p * 2 + q) * 2 + a) * 2 + b];
                    }
                }
            }
    }
}
