#include <cstring>
#include <vector>

#include "EmulatedCUDA.h"

// Products as a library makes them on a card, in the plainest way that is not slow: tensors as f32, sums in f32, and one
// rounding of what is bf16.

namespace {
float widened(unsigned short value) {
    const unsigned bits = (unsigned)value << 16;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

unsigned short narrowed(float value) {
    unsigned bits;
    memcpy(&bits, &value, sizeof bits);
    const unsigned rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16, broken = (bits >> 16) | 0x40;
    return (unsigned short)((bits & 0x7fffffff) > 0x7f800000 ? broken : rounded);
}

std::vector<float> floats(const void *values, size_t count, int narrow) {
    std::vector<float> result(count);
    if (narrow)
        for (size_t i = 0; i < count; i++) result[i] = widened(((const unsigned short *)values)[i]);
    else
        memcpy(result.data(), values, 4 * count);
    return result;
}

void store(const std::vector<float> &values, void *target, int narrow) {
    if (narrow)
        for (size_t i = 0; i < values.size(); i++) ((unsigned short *)target)[i] = narrowed(values[i]);
    else
        memcpy(target, values.data(), 4 * values.size());
}

// op(m) as a tight matrix of f32.
std::vector<float> tight(hl_emulated_matrix m, size_t rows, size_t columns) {
    std::vector<float> result(rows * columns);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            const size_t at = m.transposed ? j * m.stride + i : i * m.stride + j;
            result[i * columns + j] =
                m.narrow ? widened(((const unsigned short *)m.at)[at]) : ((const float *)m.at)[at];
        }
    }
    return result;
}

// The places of a convolution that touch each other: body(place of x, place of y, tap).
template <class Body>
void for_each_tap(const hl_emulated_convolution &s, Body body) {
    for (size_t b = 0; b < s.batch; b++) {
        for (size_t i = 0; i < s.rows; i++) {
            for (size_t j = 0; j < s.columns; j++) {
                const size_t y = (b * s.rows + i) * s.columns + j;
                for (size_t u = 0; u < s.kernel; u++) {
                    const size_t row = i * s.stride + u - s.padding;
                    if (row >= s.height) continue;
                    for (size_t v = 0; v < s.kernel; v++) {
                        const size_t column = j * s.stride + v - s.padding;
                        if (column < s.width) body((b * s.height + row) * s.width + column, y, u * s.kernel + v);
                    }
                }
            }
        }
    }
}
}  // namespace

void hl_emulated_multiply(size_t m, size_t n, size_t k, float scale, hl_emulated_matrix a, hl_emulated_matrix b,
                          int accumulates, hl_emulated_matrix c) {
    const std::vector<float> left = tight(a, m, k), right = tight(b, k, n);
    std::vector<float> row(n);
    for (size_t i = 0; i < m; i++) {
        std::fill(row.begin(), row.end(), 0.0f);
        for (size_t p = 0; p < k; p++) {
            const float factor = left[i * k + p];
            const float *values = right.data() + p * n;
            for (size_t j = 0; j < n; j++) row[j] += factor * values[j];
        }
        for (size_t j = 0; j < n; j++) {
            const size_t at = i * c.stride + j;
            if (c.narrow) {
                unsigned short *place = (unsigned short *)c.at + at;
                *place = narrowed(scale * row[j] + (accumulates ? widened(*place) : 0));
            } else {
                float *place = (float *)c.at + at;
                *place = scale * row[j] + (accumulates ? *place : 0);
            }
        }
    }
}

void hl_emulated_convolve(const hl_emulated_convolution *shape, int pass, void *x, void *weight, void *y) {
    const hl_emulated_convolution &s = *shape;
    const size_t taps = s.kernel * s.kernel, inputs = s.inputs, outputs = s.outputs;
    const size_t x_count = s.batch * s.height * s.width * inputs, y_count = s.batch * s.rows * s.columns * outputs;
    std::vector<float> images, results, kernel;
    // Weights by tap and input, so that the innermost loop runs along outputs.
    std::vector<float> turned(taps * inputs * outputs, 0.0f);
    if (pass != 2) {
        kernel = floats(weight, turned.size(), s.narrow);
        for (size_t o = 0; o < outputs; o++)
            for (size_t t = 0; t < taps; t++)
                for (size_t i = 0; i < inputs; i++)
                    turned[(t * inputs + i) * outputs + o] = kernel[(o * taps + t) * inputs + i];
    }
    if (pass != 1) images = floats(x, x_count, s.narrow);
    if (pass != 0) results = floats(y, y_count, s.narrow);
    if (pass == 0) {
        results.assign(y_count, 0.0f);
        for_each_tap(s, [&](size_t from, size_t to, size_t tap) {
            float *sum = results.data() + to * outputs;
            for (size_t i = 0; i < inputs; i++) {
                const float value = images[from * inputs + i];
                const float *w = turned.data() + (tap * inputs + i) * outputs;
                for (size_t o = 0; o < outputs; o++) sum[o] += value * w[o];
            }
        });
        store(results, y, s.narrow);
    } else if (pass == 1) {
        images.assign(x_count, 0.0f);
        for_each_tap(s, [&](size_t to, size_t from, size_t tap) {
            float *sum = images.data() + to * inputs;
            for (size_t o = 0; o < outputs; o++) {
                const float value = results[from * outputs + o];
                const float *w = kernel.data() + (o * taps + tap) * inputs;
                for (size_t i = 0; i < inputs; i++) sum[i] += value * w[i];
            }
        });
        store(images, x, s.narrow);
    } else {
        for_each_tap(s, [&](size_t from, size_t at, size_t tap) {
            const float *gradient = results.data() + at * outputs;
            for (size_t i = 0; i < inputs; i++) {
                const float value = images[from * inputs + i];
                float *sum = turned.data() + (tap * inputs + i) * outputs;
                for (size_t o = 0; o < outputs; o++) sum[o] += value * gradient[o];
            }
        });
        kernel.resize(turned.size());
        for (size_t o = 0; o < outputs; o++)
            for (size_t t = 0; t < taps; t++)
                for (size_t i = 0; i < inputs; i++)
                    kernel[(o * taps + t) * inputs + i] = turned[(t * inputs + i) * outputs + o];
        store(kernel, weight, s.narrow);
    }
}
