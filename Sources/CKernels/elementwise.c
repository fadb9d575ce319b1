#include "hl_elementwise.h"

#include <math.h>

#include "clones.h"

HL_CLONES void hl_fill(float *restrict out, float value, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = value;
}

// `out` may be one of the operands in all of these, hence no restrict: the loops stay element by element.
HL_CLONES void hl_add(const float *a, const float *b, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = a[i] + b[i];
}

HL_CLONES void hl_multiply(const float *a, const float *b, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = a[i] * b[i];
}

HL_CLONES void hl_axpy(float alpha, const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] += alpha * x[i];
}

HL_CLONES void hl_scale(float alpha, const float *x, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = alpha * x[i];
}

HL_CLONES void hl_inverse_root(const float *x, float epsilon, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = 1.0f / sqrtf(x[i] + epsilon);
}

HL_CLONES void hl_relu(const float *x, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = x[i] <= 0.0f ? 0.0f : x[i];  // NaN stays
}

HL_CLONES void hl_relu_backward(const float *y, const float *gradient, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = y[i] > 0.0f ? gradient[i] : 0.0f;
}
