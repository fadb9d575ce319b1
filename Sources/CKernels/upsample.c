#include "hl_upsample.h"

#include <string.h>

#include "blocks.h"
#include "clones.h"

HL_INLINE void add_row(const float *small, float *large, size_t width, size_t block) {
    if (block == 16 || block == 8) {
        // By way of local arrays: what is read cannot then be what has just been written.
        HL_ONE_BLOCK_AT_A_TIME
        for (size_t i = 0; i < width; i++, small += block, large += 2 * block) {
            float sums[2][16];
            for (size_t j = 0; j < block; j++) {
                sums[0][j] = large[j] + small[j];
                sums[1][j] = large[block + j] + small[j];
            }
            for (size_t half = 0; half < 2; half++) memcpy(large + half * block, sums[half], block * sizeof(float));
        }
        return;
    }
    for (size_t i = 0; i < width; i++)
        for (size_t j = 0; j < block; j++) {
            const float v = small[i * block + j];
            large[2 * i * block + j] += v;
            large[(2 * i + 1) * block + j] += v;
        }
}

HL_CLONES void hl_add_upsampled(const float *small, float *large, size_t first, size_t last, size_t height,
                                size_t width, size_t block) {
    for (size_t row = first * height; row < last * height; row++)
        for (size_t half = 0; half < 2; half++) {
            const float *source = small + row * width * block;
            float *target = large + (2 * row + half) * 2 * width * block;
            HL_FOR_BLOCK(16 | 8 | 1, block, add_row(source, target, width, BLOCK));
        }
}

HL_INLINE void copy_row(const float *small, float *large, size_t width, size_t block) {
    HL_ONE_BLOCK_AT_A_TIME
    for (size_t i = 0; i < width; i++, small += block, large += 2 * block)
        for (size_t half = 0; half < 2; half++) memcpy(large + half * block, small, block * sizeof(float));
}

HL_CLONES void hl_upsample(const float *small, float *restrict large, size_t first, size_t last, size_t height,
                           size_t width, size_t block) {
    for (size_t row = first * height; row < last * height; row++)
        for (size_t half = 0; half < 2; half++) {
            const float *source = small + row * width * block;
            float *target = large + (2 * row + half) * 2 * width * block;
            HL_FOR_BLOCK(16 | 8 | 1, block, copy_row(source, target, width, BLOCK));
        }
}

HL_INLINE float sum_square(const float *upper, const float *lower, size_t left, size_t right) {
    return (upper[left] + upper[right]) + (lower[left] + lower[right]);
}

HL_INLINE void sum_rows(const float *upper, const float *lower, float *small, size_t width, size_t block) {
    if (block == 16 || block == 8) {
        HL_ONE_BLOCK_AT_A_TIME
        for (size_t i = 0; i < width; i++, upper += 2 * block, lower += 2 * block, small += block) {
            float sums[16];
            for (size_t j = 0; j < block; j++) sums[j] = sum_square(upper, lower, j, block + j);
            memcpy(small, sums, block * sizeof(float));
        }
        return;
    }
    for (size_t i = 0; i < width; i++)
        for (size_t j = 0; j < block; j++)
            small[i * block + j] = sum_square(upper, lower, 2 * i * block + j, (2 * i + 1) * block + j);
}

HL_CLONES void hl_sum_squares(const float *large, float *small, size_t first, size_t last, size_t height, size_t width,
                              size_t block) {
    for (size_t row = first * height; row < last * height; row++) {
        const float *upper = large + 2 * row * 2 * width * block, *lower = upper + 2 * width * block;
        HL_FOR_BLOCK(16 | 8 | 1, block, sum_rows(upper, lower, small + row * width * block, width, BLOCK));
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
