#include "hl_optimisers.h"

#include <math.h>

#include "clones.h"

HL_CLONES void hl_sgd(float *restrict weights, const float *restrict gradient, float *restrict velocity, float rate,
                      float momentum, float decay, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float v = momentum * velocity[i] + (gradient[i] + decay * weights[i]);
        velocity[i] = v;
        weights[i] -= rate * v;
    }
}

HL_CLONES void hl_adam(float *restrict weights, const float *restrict gradient, float *restrict first,
                       float *restrict second, float rate, float beta1, float beta2, float inverse_root, float epsilon,
                       float kept, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float g = gradient[i];
        float m = beta1 * first[i] + (1.0f - beta1) * g;
        float v = beta2 * second[i] + (1.0f - beta2) * g * g;
        first[i] = m;
        second[i] = v;
        weights[i] = kept * weights[i] - rate * m / (sqrtf(v) * inverse_root + epsilon);
    }
}

// In sixteen float sums that are added up in double, as hl_dot does: one thread's work, whatever the machine.
HL_CLONES void hl_lars_squares(const float *weights, const float *gradient, float decay, size_t n, double *squares) {
    enum { LANES = 16, STRETCH = 4096 };
    squares[0] = squares[1] = 0;
    for (size_t start = 0; start < n; start += STRETCH) {
        const size_t end = n - start < STRETCH ? n : start + STRETCH;
        float on_weights[LANES] = {0}, on_updates[LANES] = {0};
        size_t i = start;
        for (; i + LANES <= end; i += LANES)
            for (size_t j = 0; j < LANES; j++) {
                const float w = weights[i + j], u = gradient[i + j] + decay * w;
                on_weights[j] += w * w;
                on_updates[j] += u * u;
            }
        for (; i < end; i++) {
            const float w = weights[i], u = gradient[i] + decay * w;
            on_weights[0] += w * w;
            on_updates[0] += u * u;
        }
        for (size_t j = 0; j < LANES; j++) {
            squares[0] += on_weights[j];
            squares[1] += on_updates[j];
        }
    }
}

HL_CLONES void hl_lars(float *restrict weights, const float *restrict gradient, float *restrict velocity, float rate,
                       float momentum, float decay, float trust, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float v = momentum * velocity[i] + trust * (gradient[i] + decay * weights[i]);
        velocity[i] = v;
        weights[i] -= rate * v;
    }
}

HL_CLONES void hl_average(float *restrict target, const float *restrict source, float decay, size_t n) {
    for (size_t i = 0; i < n; i++) target[i] = decay * target[i] + (1.0f - decay) * source[i];
}
