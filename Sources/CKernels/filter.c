#include "hl_filter.h"

#include <string.h>

#include "clones.h"
#include "values.h"

// One row of the result: down the columns into `row`, which has `offset` zeros before and the rest of four behind, then
// along it.
HL_INLINE void filter_row(const void *x, void *y, size_t n, size_t side, size_t out_side, size_t offset,
                          const float *taps, size_t block, float *row, int narrow) {
    float *middle = row + offset * block;
    for (size_t i = 0; i < side * block; i++) middle[i] = 0;
    for (size_t k = 0; k < 4; k++) {
        if (n + k < offset || n + k - offset >= side) continue;
        const void *source = from(x, (n + k - offset) * side * block, narrow);
        const float tap = taps[k];
        for (size_t i = 0; i < side * block; i++) middle[i] += tap * loaded(source, i, narrow);
    }
    for (size_t i = 0; i < out_side * block; i++) {
        const float sum = (taps[0] * row[i] + taps[1] * row[i + block]) +
                          (taps[2] * row[i + 2 * block] + taps[3] * row[i + 3 * block]);
        store(y, i, sum, narrow);
    }
}

HL_INLINE void filter_rows(const void *x, void *y, size_t first, size_t last, size_t side, size_t out_side,
                           size_t offset, const float *taps, size_t block, float *scratch, int narrow) {
    for (size_t row = first; row < last; row++)
        filter_row(from(x, row / out_side * side * side * block, narrow), into(y, row * out_side * block, narrow),
                   row % out_side, side, out_side, offset, taps, block, scratch, narrow);
}

HL_CLONES void hl_filter_rows(const void *x, void *y, size_t first, size_t last, size_t side, size_t out_side,
                              size_t offset, const float *taps, size_t block, int narrow, float *scratch) {
    memset(scratch, 0, (side + 4) * block * sizeof(float));
    HL_FOR_VALUES(narrow, filter_rows(x, y, first, last, side, out_side, offset, taps, block, scratch, NARROW));
}
