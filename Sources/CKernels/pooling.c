#include "hl_pooling.h"

#include <math.h>

#include "blocks.h"
#include "clones.h"
#include "pooling.h"
#include "values.h"

HL_INLINE int has_nan(const void *x, size_t n, int narrow) {
    int found = 0;
    for (size_t i = 0; i < n; i++) {
        const float value = loaded(x, i, narrow);
        found |= value != value;
    }
    return found;
}

// The maxima of one window for `block` channels; with a constant block they stay in registers. NaN wins where `broken`
// is not 0; that takes a second comparison, for which the compiler has no fast code. Every window has a place within:
// no padding is as wide as a window.
HL_INLINE void pool_window(const void *source, void *y, uint8_t *chosen, size_t at, size_t top, size_t left,
                           size_t height, size_t width, size_t block, size_t step, size_t window, int broken,
                           int narrow) {
    float best[PIECE];
    int32_t index[PIECE];
    int begun = 0;
    for (size_t i = 0; i < window; i++) {
        const size_t r = top + i;  // wraps past the top: too large, then
        if (r >= height) continue;
        for (size_t k = 0; k < window; k++) {
            const size_t c = left + k;
            if (c >= width) continue;
            const size_t cell = (r * width + c) * step;
            const int32_t offset = (int32_t)(i * window + k);
            if (!begun) {
                for (size_t j = 0; j < block; j++) best[j] = loaded(source, cell + j, narrow);
                for (size_t j = 0; j < block; j++) index[j] = offset;
                begun = 1;
                continue;
            }
            for (size_t j = 0; j < block; j++) {
                const float value = loaded(source, cell + j, narrow);
                const int larger = broken ? (value > best[j]) | (value != value) : value > best[j];
                best[j] = larger ? value : best[j];
                index[j] = larger ? offset : index[j];
            }
        }
    }
    for (size_t j = 0; j < block; j++) store(y, at + j, best[j], narrow);
    for (size_t j = 0; j < block; j++) chosen[at + j] = (uint8_t)index[j];
}

// The same for a window that lies within, whose loops have nothing to decide.
HL_INLINE void pool_inner(const void *source, void *y, uint8_t *chosen, size_t at, size_t top, size_t left,
                          size_t width, size_t block, size_t step, size_t window, int narrow) {
    float best[PIECE];
    int32_t index[PIECE];
    const size_t begin = (top * width + left) * step;
    for (size_t j = 0; j < block; j++) best[j] = loaded(source, begin + j, narrow);
    for (size_t j = 0; j < block; j++) index[j] = 0;
    for (size_t i = 0; i < window; i++)
        for (size_t k = 0; k < window; k++) {
            const size_t cell = begin + (i * width + k) * step;
            const int32_t offset = (int32_t)(i * window + k);
            for (size_t j = 0; j < block; j++) {
                const float value = loaded(source, cell + j, narrow);
                index[j] = value > best[j] ? offset : index[j];
                best[j] = value > best[j] ? value : best[j];
            }
        }
    for (size_t j = 0; j < block; j++) store(y, at + j, best[j], narrow);
    for (size_t j = 0; j < block; j++) chosen[at + j] = (uint8_t)index[j];
}

// Outputs first ..< first + count of a row.
HL_INLINE void pool_row(pooling p, const void *source, void *y, uint8_t *chosen, size_t row, size_t first, size_t count,
                        size_t block, size_t step, int broken, int narrow) {
    for (size_t column = first; column < first + count; column++) {
        const size_t at = (row * p.out_width + column) * step;
        const size_t top = row * p.stride - p.padding, left = column * p.stride - p.padding;
        // A place before the first wraps round and is too large.
        if (!broken && top < p.height && top + p.window <= p.height && left < p.width && left + p.window <= p.width)
            pool_inner(source, y, chosen, at, top, left, p.width, block, step, p.window, narrow);
        else
            pool_window(source, y, chosen, at, top, left, p.height, p.width, block, step, p.window, broken, narrow);
    }
}

HL_INLINE void pool_plane(pooling p, const void *source, void *y, uint8_t *chosen, size_t block, int narrow) {
    for (size_t row = 0; row < p.out_height; row++)
        HL_FOR_PIECES(p.out_width, block, block,
                      pool_row(p, from(source, CHANNEL, narrow), into(y, CHANNEL, narrow), chosen + CHANNEL, row, PLACE,
                               COUNT, BLOCK, STEP, 0, narrow));
}

// The same where there are NaN.
HL_INLINE void pool_broken(pooling p, const void *source, void *y, uint8_t *chosen, size_t block, int narrow) {
    for (size_t row = 0; row < p.out_height; row++)
        for (size_t c = 0; c < block; c += PIECE)
            pool_row(p, from(source, c, narrow), into(y, c, narrow), chosen + c, row, 0, p.out_width,
                     block - c < PIECE ? block - c : PIECE, block, 1, narrow);
}

HL_INLINE void pool_planes(pooling p, const void *x, void *y, uint8_t *chosen, size_t first, size_t last, size_t block,
                           int narrow) {
    const size_t size = p.height * p.width * block, out_size = p.out_height * p.out_width * block;
    for (size_t plane = first; plane < last; plane++) {
        const void *source = from(x, plane * size, narrow);
        void *target = into(y, plane * out_size, narrow);
        // As in PyTorch: a broken activation must not vanish here.
        if (has_nan(source, size, narrow))
            pool_broken(p, source, target, chosen + plane * out_size, block, narrow);
        else
            pool_plane(p, source, target, chosen + plane * out_size, block, narrow);
    }
}

HL_CLONES void hl_max_pool(const void *x, void *y, uint8_t *chosen, size_t first, size_t last, size_t height,
                           size_t width, size_t block, size_t window, size_t stride, size_t padding, int narrow) {
    const pooling p = pooling_of(height, width, window, stride, padding);
    HL_FOR_VALUES(narrow, HL_FOR_WINDOW(p, pool_planes(POOLING, x, y, chosen, first, last, block, NARROW)));
}

// The first and the last window, behind it, that cover a place along one side.
typedef struct {
    size_t first, last;
} covering;

HL_INLINE covering windows_over(size_t place, size_t window, size_t stride, size_t padding, size_t count) {
    const size_t last = (place + padding) / stride + 1;
    return (covering){place + padding < window ? 0 : (place + padding - window) / stride + 1,
                      last < count ? last : count};
}

// What the windows over one position send back, in their order; written once, so that bf16 is rounded once.
HL_INLINE void pool_cell(pooling p, const void *gradient, const uint8_t *chosen, void *target, size_t r, size_t c,
                         size_t block, size_t step, int narrow) {
    const covering rows = windows_over(r, p.window, p.stride, p.padding, p.out_height);
    const covering columns = windows_over(c, p.window, p.stride, p.padding, p.out_width);
    float sum[PIECE] = {0};
    for (size_t row = rows.first; row < rows.last; row++)
        for (size_t column = columns.first; column < columns.last; column++) {
            const size_t at = (row * p.out_width + column) * step;
            const size_t i = r + p.padding - row * p.stride, k = c + p.padding - column * p.stride;
            const uint8_t offset = (uint8_t)(i * p.window + k);
            for (size_t j = 0; j < block; j++) {
                // Loaded in any case: a branch would keep the loop from becoming vector code.
                const float g = loaded(gradient, at + j, narrow);
                sum[j] += chosen[at + j] == offset ? g : 0.0f;
            }
        }
    for (size_t j = 0; j < block; j++) store(target, (r * p.width + c) * step + j, sum[j], narrow);
}

// Positions first ..< first + count of a row.
HL_INLINE void pool_row_back(pooling p, const void *gradient, const uint8_t *chosen, void *target, size_t r,
                             size_t first, size_t count, size_t block, size_t step, int narrow) {
    for (size_t c = first; c < first + count; c++) pool_cell(p, gradient, chosen, target, r, c, block, step, narrow);
}

HL_INLINE void pool_back(pooling p, const void *gradient, const uint8_t *chosen, void *input_gradient, size_t first,
                         size_t last, size_t block, int narrow) {
    for (size_t plane = first; plane < last; plane++) {
        const size_t start = plane * p.out_height * p.out_width * block;
        void *target = into(input_gradient, plane * p.height * p.width * block, narrow);
        for (size_t r = 0; r < p.height; r++)
            HL_FOR_PIECES(p.width, block, block,
                          pool_row_back(p, from(gradient, start + CHANNEL, narrow), chosen + start + CHANNEL,
                                        into(target, CHANNEL, narrow), r, PLACE, COUNT, BLOCK, STEP, narrow));
    }
}

HL_CLONES void hl_max_pool_backward(const void *gradient, const uint8_t *chosen, void *input_gradient, size_t first,
                                    size_t last, size_t height, size_t width, size_t block, size_t window,
                                    size_t stride, size_t padding, int narrow) {
    const pooling p = pooling_of(height, width, window, stride, padding);
    HL_FOR_VALUES(narrow,
                  HL_FOR_WINDOW(p, pool_back(POOLING, gradient, chosen, input_gradient, first, last, block, NARROW)));
}
