// What batch normalisation sums up on its way back through max pooling, without spreading the gradient first.
#include "blocks.h"
#include "clones.h"
#include "hl_pooling.h"
#include "lanes.h"
#include "pooling.h"
#include "values.h"

// x where the window chose, of `block` channels.
HL_INLINE lanes chosen_of(pooling p, const void *x, const uint8_t *chosen, size_t row, size_t column, size_t block,
                          size_t step, int narrow) {
    lane_bytes bytes = {0};
    memcpy(&bytes, chosen + (row * p.out_width + column) * step, block);
    const lane_bits places = __builtin_convertvector(bytes, lane_bits);
    lanes found = {{0}};
    for (size_t i = 0; i < p.window; i++) {
        const size_t r = row * p.stride + i - p.padding;  // wraps past the top: too large, then
        if (r >= p.height) continue;
        for (size_t k = 0; k < p.window; k++) {
            const size_t c = column * p.stride + k - p.padding;
            if (c >= p.width) continue;
            const lane_bits is_here = (lane_bits)(places == (uint32_t)(i * p.window + k));
            const lanes value = lanes_at(x, (r * p.width + c) * step, block, narrow);
            found.v = (lane_values)HL_EITHER(is_here, value.v, found.v);
        }
    }
    return found;
}

// Outputs first ..< first + count of a row, summed up by themselves, which rounds less, and added to what is there.
HL_INLINE void add_row(pooling p, const void *gradient, const uint8_t *chosen, const void *x, size_t row, size_t first,
                       size_t count, size_t block, size_t step, const float *mean, float *sum, float *centred,
                       int narrow) {
    lanes plain = {{0}}, products = {{0}};
    const lanes centre = lanes_at(mean, 0, block, 0);
    for (size_t column = first; column < first + count; column++) {
        const lanes g = lanes_at(gradient, (row * p.out_width + column) * step, block, narrow);
        plain.v += g.v;
        products.v += g.v * (chosen_of(p, x, chosen, row, column, block, step, narrow).v - centre.v);
    }
    plain.v += lanes_at(sum, 0, block, 0).v;
    products.v += lanes_at(centred, 0, block, 0).v;
    keep_lanes(sum, 0, block, plain, 0);
    keep_lanes(centred, 0, block, products, 0);
}

HL_INLINE void add_plane(pooling p, const void *gradient, const uint8_t *chosen, const void *x, size_t block,
                         const float *mean, float *sum, float *centred, int narrow) {
    for (size_t row = 0; row < p.out_height; row++)
        HL_FOR_PIECES(p.out_width, block, block,
                      add_row(p, from(gradient, CHANNEL, narrow), chosen + CHANNEL, from(x, CHANNEL, narrow), row,
                              PLACE, COUNT, BLOCK, STEP, mean + CHANNEL, sum + CHANNEL, centred + CHANNEL, narrow));
}

HL_CLONES void hl_max_pool_sums(const void *gradient, const uint8_t *chosen, const void *x, size_t height, size_t width,
                                size_t block, size_t window, size_t stride, size_t padding, const float *mean,
                                float *sum, float *centred, int narrow) {
    for (size_t j = 0; j < block; j++) sum[j] = centred[j] = 0;
    const pooling p = pooling_of(height, width, window, stride, padding);
    HL_FOR_VALUES(narrow, HL_FOR_WINDOW(p, add_plane(POOLING, gradient, chosen, x, block, mean, sum, centred, NARROW)));
}
