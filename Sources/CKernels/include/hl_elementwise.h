// Loops over flat arrays of `n` floats. Any layout will do, so long as all operands share it; `out` may be one of them.
// Each is the function of its name in https://docs.pytorch.org/docs/stable/torch.html
#pragma once
#include <stddef.h>

void hl_fill(float *out, float value, size_t n);
void hl_add(const float *a, const float *b, float *out, size_t n);
void hl_multiply(const float *a, const float *b, float *out, size_t n);
/// y += alpha x, BLAS's saxpy: https://www.netlib.org/blas/
void hl_axpy(float alpha, const float *x, float *y, size_t n);
void hl_scale(float alpha, const float *x, float *out, size_t n);
/// out = 1 / sqrt(x + epsilon): torch.rsqrt(x + epsilon).
void hl_inverse_root(const float *x, float epsilon, float *out, size_t n);
/// out = x where x > 0, else 0: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.relu.html
void hl_relu(const float *x, float *out, size_t n);
/// out = gradient where y > 0, else 0
void hl_relu_backward(const float *y, const float *gradient, float *out, size_t n);
