#include <algorithm>
#include <cstring>
#include <vector>

#include "EmulatedCUDA.h"

// Products in the plainest way that is not slow. Sums are in double precision, since a card's library adds up in pieces,
// whose error is that of a few additions, and not that of thousands one after another.

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

void store(const std::vector<double> &values, void *target, int narrow) {
    if (narrow)
        for (size_t i = 0; i < values.size(); i++) ((unsigned short *)target)[i] = narrowed((float)values[i]);
    else
        for (size_t i = 0; i < values.size(); i++) ((float *)target)[i] = (float)values[i];
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
    std::vector<double> row(n);
    for (size_t i = 0; i < m; i++) {
        std::fill(row.begin(), row.end(), 0.0);
        for (size_t p = 0; p < k; p++) {
            const double factor = left[i * k + p];
            const float *values = right.data() + p * n;
            for (size_t j = 0; j < n; j++) row[j] += factor * values[j];
        }
        for (size_t j = 0; j < n; j++) {
            const size_t at = i * c.stride + j;
            if (c.narrow) {
                unsigned short *place = (unsigned short *)c.at + at;
                *place = narrowed(scale * (float)row[j] + (accumulates ? widened(*place) : 0));
            } else {
                float *place = (float *)c.at + at;
                *place = scale * (float)row[j] + (accumulates ? *place : 0);
            }
        }
    }
}

void hl_emulated_convolve(const hl_emulated_convolution *shape, int pass, void *x, void *weight, void *y) {
    const hl_emulated_convolution &s = *shape;
    const size_t taps = s.kernel * s.kernel, inputs = s.inputs, outputs = s.outputs;
    const size_t x_count = s.batch * s.height * s.width * inputs, y_count = s.batch * s.rows * s.columns * outputs;
    // What is read, and what is summed up.
    std::vector<float> images, gradients, kernel;
    std::vector<double> sums;
    // Weights by tap and input, so that the innermost loop runs along outputs.
    std::vector<float> turned;
    if (pass == 0) {
        kernel = floats(weight, taps * inputs * outputs, s.narrow);
        turned.resize(kernel.size());
        for (size_t o = 0; o < outputs; o++)
            for (size_t t = 0; t < taps; t++)
                for (size_t i = 0; i < inputs; i++)
                    turned[(t * inputs + i) * outputs + o] = kernel[(o * taps + t) * inputs + i];
        images = floats(x, x_count, s.narrow);
        sums.assign(y_count, 0.0);
        for_each_tap(s, [&](size_t from, size_t to, size_t tap) {
            double *sum = sums.data() + to * outputs;
            for (size_t i = 0; i < inputs; i++) {
                const float value = images[from * inputs + i];
                const float *w = turned.data() + (tap * inputs + i) * outputs;
                for (size_t o = 0; o < outputs; o++) sum[o] += (double)value * w[o];
            }
        });
        store(sums, y, s.narrow);
    } else if (pass == 1) {
        kernel = floats(weight, taps * inputs * outputs, s.narrow);
        gradients = floats(y, y_count, s.narrow);
        sums.assign(x_count, 0.0);
        for_each_tap(s, [&](size_t to, size_t from, size_t tap) {
            double *sum = sums.data() + to * inputs;
            for (size_t o = 0; o < outputs; o++) {
                const float value = gradients[from * outputs + o];
                const float *w = kernel.data() + (o * taps + tap) * inputs;
                for (size_t i = 0; i < inputs; i++) sum[i] += (double)value * w[i];
            }
        });
        store(sums, x, s.narrow);
    } else {
        images = floats(x, x_count, s.narrow);
        gradients = floats(y, y_count, s.narrow);
        std::vector<double> products(taps * inputs * outputs, 0.0);
        for_each_tap(s, [&](size_t from, size_t at, size_t tap) {
            const float *gradient = gradients.data() + at * outputs;
            for (size_t i = 0; i < inputs; i++) {
                const float value = images[from * inputs + i];
                double *sum = products.data() + (tap * inputs + i) * outputs;
                for (size_t o = 0; o < outputs; o++) sum[o] += (double)value * gradient[o];
            }
        });
        sums.resize(products.size());
        for (size_t o = 0; o < outputs; o++)
            for (size_t t = 0; t < taps; t++)
                for (size_t i = 0; i < inputs; i++)
                    sums[(o * taps + t) * inputs + i] = products[(t * inputs + i) * outputs + o];
        store(sums, weight, s.narrow);
    }
}
