#include "hl_combine.h"

#include <string.h>

#include "clones.h"

enum { PHASES = 4 };

// All phases of a kernel side by side, in `lanes` sums.
HL_INLINE void combine(const float *source, float *target, size_t count, const float *matrix, size_t taps,
                       size_t lanes) {
    for (size_t n = 0; n < count; n++) {
        float sums[48] = {0};
        for (size_t a = 0; a < 9; a++)
            for (size_t l = 0; l < lanes; l++) sums[l] += matrix[a * lanes + l] * source[n * 9 + a];
        for (size_t p = 0; p < PHASES; p++)
            memcpy(target + (p * count + n) * taps, sums + p * taps, taps * sizeof(float));
    }
}

HL_CLONES void hl_combine_kernels(const float *source, float *target, size_t count, const float *matrix, size_t taps) {
    if (taps == 4) {
        combine(source, target, count, matrix, 4, 16);
    } else {
        combine(source, target, count, matrix, 9, 48);
    }
}
