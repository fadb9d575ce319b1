// Loops over flat arrays of `n` floats. Any layout will do, so long as all operands share it.
#pragma once
#include <stddef.h>

void hl_fill(float *out, float value, size_t n);
void hl_add(const float *a, const float *b, float *out, size_t n);
void hl_multiply(const float *a, const float *b, float *out, size_t n);
/// y += alpha x
void hl_axpy(float alpha, const float *x, float *y, size_t n);
void hl_scale(float alpha, const float *x, float *out, size_t n);
/// out = 1 / sqrt(x + epsilon)
void hl_inverse_root(const float *x, float epsilon, float *out, size_t n);
void hl_relu(const float *x, float *out, size_t n);
/// out = gradient where y > 0, else 0
void hl_relu_backward(const float *y, const float *gradient, float *out, size_t n);

/// SGD with momentum and L2 decay as torch.optim.SGD has it: v = momentum v + (g + decay w); w -= rate v.
void hl_sgd(float *weights, const float *gradient, float *velocity, float rate, float momentum, float decay, size_t n);
/// Adam as torch.optim.Adam has it, without decay; `rate` and `epsilon` already carry the bias corrections:
/// m = b1 m + (1-b1) g; v = b2 v + (1-b2) g²; w -= rate m / (sqrt(v) * inverse_root + epsilon).
void hl_adam(float *weights, const float *gradient, float *first, float *second, float rate, float beta1, float beta2,
             float inverse_root, float epsilon, size_t n);
/// LARS as BYOL's code has it: v = momentum v + trust (g + decay w); w -= rate v, where the caller works out the trust
/// from `hl_lars_squares`: the sums of the squares of w and of g + decay w.
void hl_lars_squares(const float *weights, const float *gradient, float decay, size_t n, double *squares);
void hl_lars(float *weights, const float *gradient, float *velocity, float rate, float momentum, float decay,
             float trust, size_t n);
/// target = decay target + (1 - decay) source
void hl_average(float *target, const float *source, float decay, size_t n);
