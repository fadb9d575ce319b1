#include "hl_pooling.h"

#include <math.h>

#include "blocks.h"
#include "clones.h"
#include "values.h"

static inline size_t pooled(size_t size, size_t window, size_t stride, size_t padding) {
    return (size + 2 * padding - window) / stride + 1;
}

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
                           size_t height, size_t width, size_t block, size_t window, int broken, int narrow) {
    float best[16];
    int32_t index[16];
    int begun = 0;
    for (size_t i = 0; i < window; i++) {
        const size_t r = top + i;  // wraps past the top: too large, then
        if (r >= height) continue;
        for (size_t k = 0; k < window; k++) {
            const size_t c = left + k;
            if (c >= width) continue;
            const size_t cell = (r * width + c) * block;
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
                          size_t width, size_t block, size_t window, int narrow) {
    float best[16];
    int32_t index[16];
    const size_t begin = (top * width + left) * block;
    for (size_t j = 0; j < block; j++) best[j] = loaded(source, begin + j, narrow);
    for (size_t j = 0; j < block; j++) index[j] = 0;
    for (size_t i = 0; i < window; i++)
        for (size_t k = 0; k < window; k++) {
            const size_t cell = begin + (i * width + k) * block;
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

typedef struct {
    size_t height, width, out_height, out_width, window, stride, padding;
} pooling;

// With constants for the window that every stem has, divisions become shifts and loops over it are unrolled.
#define FOR_WINDOW(p, ...)                                                                           \
    do {                                                                                             \
        if ((p).window == 3 && (p).stride == 2 && (p).padding == 1) {                                \
            const pooling POOLING = {(p).height, (p).width, (p).out_height, (p).out_width, 3, 2, 1}; \
            __VA_ARGS__;                                                                             \
        } else {                                                                                     \
            const pooling POOLING = p;                                                               \
            __VA_ARGS__;                                                                             \
        }                                                                                            \
    } while (0)

HL_INLINE void pool_plane(pooling p, const void *source, void *y, uint8_t *chosen, size_t block, int broken,
                          int narrow) {
    for (size_t row = 0; row < p.out_height; row++)
        for (size_t column = 0; column < p.out_width; column++) {
            const size_t at = (row * p.out_width + column) * block;
            const size_t top = row * p.stride - p.padding, left = column * p.stride - p.padding;
            // A place before the first wraps round and is too large.
            if (!broken && top < p.height && top + p.window <= p.height && left < p.width && left + p.window <= p.width)
                pool_inner(source, y, chosen, at, top, left, p.width, block, p.window, narrow);
            else
                pool_window(source, y, chosen, at, top, left, p.height, p.width, block, p.window, broken, narrow);
        }
}

HL_INLINE void pool_planes(pooling p, const void *x, void *y, uint8_t *chosen, size_t first, size_t last, size_t block,
                           int narrow) {
    const size_t size = p.height * p.width * block, out_size = p.out_height * p.out_width * block;
    for (size_t plane = first; plane < last; plane++) {
        const void *source = from(x, plane * size, narrow);
        void *target = into(y, plane * out_size, narrow);
        // As in PyTorch: a broken activation must not vanish here.
        if (has_nan(source, size, narrow))
            pool_plane(p, source, target, chosen + plane * out_size, block, 1, narrow);
        else
            HL_FOR_BLOCK(16 | 8 | 1, block, pool_plane(p, source, target, chosen + plane * out_size, BLOCK, 0, narrow));
    }
}

HL_CLONES void hl_max_pool(const void *x, void *y, uint8_t *chosen, size_t first, size_t last, size_t height,
                           size_t width, size_t block, size_t window, size_t stride, size_t padding, int narrow) {
    const pooling p = {
        height, width,  pooled(height, window, stride, padding), pooled(width, window, stride, padding), window,
        stride, padding};
    HL_FOR_VALUES(narrow, FOR_WINDOW(p, pool_planes(POOLING, x, y, chosen, first, last, block, NARROW)));
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
                         size_t block, int narrow) {
    const covering rows = windows_over(r, p.window, p.stride, p.padding, p.out_height);
    const covering columns = windows_over(c, p.window, p.stride, p.padding, p.out_width);
    float sum[16] = {0};
    for (size_t row = rows.first; row < rows.last; row++)
        for (size_t column = columns.first; column < columns.last; column++) {
            const size_t at = (row * p.out_width + column) * block;
            const size_t i = r + p.padding - row * p.stride, k = c + p.padding - column * p.stride;
            const uint8_t offset = (uint8_t)(i * p.window + k);
            for (size_t j = 0; j < block; j++) {
                // Loaded in any case: a branch would keep the loop from becoming vector code.
                const float g = loaded(gradient, at + j, narrow);
                sum[j] += chosen[at + j] == offset ? g : 0.0f;
            }
        }
    for (size_t j = 0; j < block; j++) store(target, (r * p.width + c) * block + j, sum[j], narrow);
}

HL_INLINE void pool_back(pooling p, const void *gradient, const uint8_t *chosen, void *input_gradient, size_t first,
                         size_t last, size_t block, int narrow) {
    for (size_t plane = first; plane < last; plane++) {
        const size_t start = plane * p.out_height * p.out_width * block;
        void *target = into(input_gradient, plane * p.height * p.width * block, narrow);
        for (size_t r = 0; r < p.height; r++)
            for (size_t c = 0; c < p.width; c++)
                pool_cell(p, from(gradient, start, narrow), chosen + start, target, r, c, block, narrow);
    }
}

HL_CLONES void hl_max_pool_backward(const void *gradient, const uint8_t *chosen, void *input_gradient, size_t first,
                                    size_t last, size_t height, size_t width, size_t block, size_t window,
                                    size_t stride, size_t padding, int narrow) {
    const pooling p = {
        height, width,  pooled(height, window, stride, padding), pooled(width, window, stride, padding), window,
        stride, padding};
    HL_FOR_VALUES(
        narrow,
        HL_FOR_BLOCK(16 | 8 | 1, block,
                     FOR_WINDOW(p, pool_back(POOLING, gradient, chosen, input_gradient, first, last, BLOCK, NARROW))));
}

HL_INLINE void average(hl_planes p, size_t channels, size_t first, size_t last, const void *x, float *y, int narrow) {
    const float scale = 1.0f / (float)p.positions;
    for (size_t n = first; n < last; n++)
        for (size_t b = 0; b < p.blocks; b++) {
            const void *source = from(x, (n * p.blocks + b) * p.positions * p.block, narrow);
            for (size_t j = 0; j < p.block && b * p.block + j < channels; j++) {
                float sum = 0;
                for (size_t i = 0; i < p.positions; i++) sum += loaded(source, i * p.block + j, narrow);
                y[n * channels + b * p.block + j] = sum * scale;
            }
        }
}

HL_CLONES void hl_average_pool(hl_planes p, size_t channels, size_t first, size_t last, const void *x, float *y) {
    HL_FOR_VALUES(p.narrow, average(p, channels, first, last, x, y, NARROW));
}

HL_INLINE void average_back(hl_planes p, size_t channels, size_t first, size_t last, const float *gradient,
                            void *input_gradient, int narrow) {
    const float scale = 1.0f / (float)p.positions;
    for (size_t n = first; n < last; n++)
        for (size_t b = 0; b < p.blocks; b++) {
            void *target = into(input_gradient, (n * p.blocks + b) * p.positions * p.block, narrow);
            for (size_t i = 0; i < p.positions; i++)
                for (size_t j = 0; j < p.block; j++) {
                    const size_t channel = b * p.block + j;
                    const float g = channel < channels ? gradient[n * channels + channel] * scale : 0.0f;
                    store(target, i * p.block + j, g, narrow);
                }
        }
}

HL_CLONES void hl_average_pool_backward(hl_planes p, size_t channels, size_t first, size_t last, const float *gradient,
                                        void *input_gradient) {
    HL_FOR_VALUES(p.narrow, average_back(p, channels, first, last, gradient, input_gradient, NARROW));
}
