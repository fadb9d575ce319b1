#include "hl_filter.h"

#include <string.h>

#include "clones.h"

// One row of the result: down the columns into `row`, which has `offset` zeros before and the rest of four behind, then
// along it.
HL_INLINE void filter_row(const float *x, float *y, size_t n, size_t side, size_t out_side, size_t offset,
                          const float *taps, size_t block, float *row) {
    float *middle = row + offset * block;
    for (size_t i = 0; i < side * block; i++) middle[i] = 0;
    for (size_t k = 0; k < 4; k++) {
        if (n + k < offset || n + k - offset >= side) continue;
        const float *source = x + (n + k - offset) * side * block, tap = taps[k];
        for (size_t i = 0; i < side * block; i++) middle[i] += tap * source[i];
    }
    for (size_t i = 0; i < out_side * block; i++)
        y[i] = (taps[0] * row[i] + taps[1] * row[i + block]) +
               (taps[2] * row[i + 2 * block] + taps[3] * row[i + 3 * block]);
}

HL_CLONES void hl_filter_planes(const float *x, float *y, size_t first, size_t last, size_t side, size_t out_side,
                                size_t offset, const float *taps, size_t block, float *scratch) {
    memset(scratch, 0, (side + 4) * block * sizeof(float));
    for (size_t plane = first; plane < last; plane++)
        for (size_t n = 0; n < out_side; n++)
            filter_row(x + plane * side * side * block, y + (plane * out_side + n) * out_side * block, n, side,
                       out_side, offset, taps, block, scratch);
}
