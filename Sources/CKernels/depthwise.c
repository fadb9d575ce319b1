#include "hl_depthwise.h"

#include <string.h>

#include "clones.h"

// The outputs first..<last of a line whose input at offset `tap` of the window lies within `size` values.
typedef struct {
    size_t first, last;
} span;

HL_INLINE span outputs_within(size_t tap, size_t size, size_t count, size_t stride, size_t padding) {
    const size_t first = tap >= padding ? 0 : (padding - tap + stride - 1) / stride;
    const size_t last = size + padding > tap ? (size + padding - tap + stride - 1) / stride : 0;
    const size_t end = last < count ? last : count;
    return (span){first < end ? first : end, end};
}

// y[j] += weight * x[stride * j]
HL_INLINE void add_line(const float *x, float weight, float *y, size_t count, size_t stride) {
    if (stride == 1)
        for (size_t j = 0; j < count; j++) y[j] += weight * x[j];
    else
        for (size_t j = 0; j < count; j++) y[j] += weight * x[j * stride];
}

// x[stride * j] += weight * y[j]
HL_INLINE void spread_line(const float *y, float weight, float *x, size_t count, size_t stride) {
    if (stride == 1)
        for (size_t j = 0; j < count; j++) x[j] += weight * y[j];
    else
        for (size_t j = 0; j < count; j++) x[j * stride] += weight * y[j];
}

HL_CLONES void hl_depthwise(const hl_depthwise_shape *s, const float *x, const float *weight, float *y) {
    memset(y, 0, s->out_height * s->out_width * sizeof *y);
    for (size_t u = 0; u < s->kernel; u++) {
        const span rows = outputs_within(u, s->height, s->out_height, s->stride, s->padding);
        for (size_t i = rows.first; i < rows.last; i++) {
            const float *line = x + (i * s->stride + u - s->padding) * s->width;
            for (size_t v = 0; v < s->kernel; v++) {
                const span columns = outputs_within(v, s->width, s->out_width, s->stride, s->padding);
                if (columns.first < columns.last)
                    add_line(line + columns.first * s->stride + v - s->padding, weight[u * s->kernel + v],
                             y + i * s->out_width + columns.first, columns.last - columns.first, s->stride);
            }
        }
    }
}

HL_CLONES void hl_depthwise_input_gradient(const hl_depthwise_shape *s, const float *gradient, const float *weight,
                                           float *input_gradient) {
    memset(input_gradient, 0, s->height * s->width * sizeof *input_gradient);
    for (size_t u = 0; u < s->kernel; u++) {
        const span rows = outputs_within(u, s->height, s->out_height, s->stride, s->padding);
        for (size_t i = rows.first; i < rows.last; i++) {
            float *line = input_gradient + (i * s->stride + u - s->padding) * s->width;
            for (size_t v = 0; v < s->kernel; v++) {
                const span columns = outputs_within(v, s->width, s->out_width, s->stride, s->padding);
                if (columns.first < columns.last)
                    spread_line(gradient + i * s->out_width + columns.first, weight[u * s->kernel + v],
                                line + columns.first * s->stride + v - s->padding, columns.last - columns.first,
                                s->stride);
            }
        }
    }
}

HL_CLONES void hl_depthwise_weight_gradient(const hl_depthwise_shape *s, size_t samples, const float *x,
                                            size_t input_step, const float *gradient, size_t output_step,
                                            float *weight_gradient) {
    for (size_t u = 0; u < s->kernel; u++)
        for (size_t v = 0; v < s->kernel; v++) {
            const span rows = outputs_within(u, s->height, s->out_height, s->stride, s->padding);
            const span columns = outputs_within(v, s->width, s->out_width, s->stride, s->padding);
            double total = 0;
            for (size_t n = 0; n < samples; n++)
                for (size_t i = rows.first; i < rows.last; i++) {
                    const float *line = x + n * input_step + (i * s->stride + u - s->padding) * s->width;
                    const float *g = gradient + n * output_step + i * s->out_width;
                    float sum = 0;
                    for (size_t j = columns.first; j < columns.last; j++)
                        sum += g[j] * line[j * s->stride + v - s->padding];
                    total += sum;
                }
            weight_gradient[u * s->kernel + v] = (float)total;
        }
}
