// See include/kernels/optimisers.h. The arithmetic is that of the CPU's optimisers.c.
#include "../include/kernels/optimisers.h"
#include "sums.cuh"
#include "values.cuh"

/// What a block works on: values start ..< end of a parameter.
struct optimiser_piece {
    hl_cuda_parameter p;
    unsigned start, end;
};

HL_DEVICE optimiser_piece optimiser_own(hl_cuda_parameters all) {
    optimiser_piece piece;
    piece.p = all.parameters[all.owners[blockIdx.x]];
    piece.start = (blockIdx.x - piece.p.first_piece) * HL_CUDA_OPTIMISER_PIECE;
    const unsigned rest = piece.p.count - piece.start;
    piece.end = piece.start + (rest < HL_CUDA_OPTIMISER_PIECE ? rest : HL_CUDA_OPTIMISER_PIECE);
    return piece;
}

/// Runs its body for i = the first of every four of a piece's values, the block's threads side by side. A parameter's
/// last four may be fewer.
#define OPTIMISER_FOR_EACH_FOUR(i, piece) \
    for (unsigned i = piece.start + 4 * threadIdx.x; i < piece.end; i += 4 * HL_CUDA_THREADS)

/// Values i ..< i + 4 before `end`; 0 behind it.
HL_DEVICE float4 optimiser_load(const float *x, unsigned i, unsigned end) {
    if (end - i >= 4) return *(const float4 *)(x + i);
    float4 four;
    four.x = x[i];
    four.y = end - i > 1 ? x[i + 1] : 0;
    four.z = end - i > 2 ? x[i + 2] : 0;
    four.w = 0;
    return four;
}

HL_DEVICE void optimiser_store(float *x, unsigned i, unsigned end, float4 four) {
    if (end - i >= 4) {
        *(float4 *)(x + i) = four;
        return;
    }
    x[i] = four.x;
    if (end - i > 1) x[i + 1] = four.y;
    if (end - i > 2) x[i + 2] = four.z;
}

// MARK: SGD and LARS

/// v and w of one value. The factor of 1 of SGD changes no bit.
HL_DEVICE void momentum_step(float *w, float g, float *v, float rate, float momentum, float decay, float factor) {
    *v = momentum * *v + factor * (g + decay * *w);
    *w -= rate * *v;
}

HL_DEVICE void momentum_steps(optimiser_piece piece, float rate, float momentum, float factor) {
    float *__restrict__ weight = piece.p.weight;
    float *__restrict__ velocity = piece.p.first;
    const float *__restrict__ gradient = piece.p.gradient;
    const float decay = piece.p.decay;
    OPTIMISER_FOR_EACH_FOUR(i, piece) {
        float4 w = optimiser_load(weight, i, piece.end), v = optimiser_load(velocity, i, piece.end);
        const float4 g = optimiser_load(gradient, i, piece.end);
        momentum_step(&w.x, g.x, &v.x, rate, momentum, decay, factor);
        momentum_step(&w.y, g.y, &v.y, rate, momentum, decay, factor);
        momentum_step(&w.z, g.z, &v.z, rate, momentum, decay, factor);
        momentum_step(&w.w, g.w, &v.w, rate, momentum, decay, factor);
        optimiser_store(velocity, i, piece.end, v);
        optimiser_store(weight, i, piece.end, w);
    }
}

HL_KERNEL(sgd) { momentum_steps(optimiser_own(a.all), a.rate, a.momentum, 1); }

HL_DEVICE double optimiser_sum(float4 four) {
    return (double)four.x + (double)four.y + (double)four.z + (double)four.w;
}

HL_KERNEL(lars_squares) {
    HL_SHARED(double, memory, HL_CUDA_THREADS);
    const optimiser_piece piece = optimiser_own(a.all);
    // One answer for the whole block: it is of one parameter.
    if (piece.p.is_adapted) {
        const float decay = piece.p.decay;
        // Few values a thread: sums in f32 are short.
        float4 on_weights, on_updates;
        on_weights.x = on_weights.y = on_weights.z = on_weights.w = 0;
        on_updates.x = on_updates.y = on_updates.z = on_updates.w = 0;
        OPTIMISER_FOR_EACH_FOUR(i, piece) {
            const float4 w = optimiser_load(piece.p.weight, i, piece.end);
            float4 u = optimiser_load(piece.p.gradient, i, piece.end);
            u.x = u.x + decay * w.x;
            u.y = u.y + decay * w.y;
            u.z = u.z + decay * w.z;
            u.w = u.w + decay * w.w;
            on_weights.x += w.x * w.x;
            on_weights.y += w.y * w.y;
            on_weights.z += w.z * w.z;
            on_weights.w += w.w * w.w;
            on_updates.x += u.x * u.x;
            on_updates.y += u.y * u.y;
            on_updates.z += u.z * u.z;
            on_updates.w += u.w * u.w;
        }
        const double weights = block_sum(optimiser_sum(on_weights), memory);
        const double updates = block_sum(optimiser_sum(on_updates), memory);
        if (threadIdx.x == 0) {
            a.squares[2 * blockIdx.x] = weights;
            a.squares[2 * blockIdx.x + 1] = updates;
        }
    }
}

HL_KERNEL(lars) {
    HL_SHARED(double, memory, HL_CUDA_THREADS);
    const optimiser_piece piece = optimiser_own(a.all);
    float factor = 1;
    if (piece.p.is_adapted) {
        const double *squares = a.squares + 2 * (unsigned long)piece.p.first_piece;
        double weights = 0, updates = 0;
        for (unsigned i = threadIdx.x; i < piece.p.pieces; i += HL_CUDA_THREADS) {
            weights += squares[2 * i];
            updates += squares[2 * i + 1];
        }
        weights = block_sum(weights, memory);
        updates = block_sum(updates, memory);
        if (weights > 0 && updates > 0) factor = (float)((double)a.trust * sqrt(weights / updates));
    }
    momentum_steps(piece, a.rate, a.momentum, factor);
}

// MARK: Adam

HL_DEVICE void adam_step(float *w, float g, float *m, float *v, const hl_cuda_adam &a, float kept) {
    *m = a.beta1 * *m + (1.0f - a.beta1) * g;
    *v = a.beta2 * *v + (1.0f - a.beta2) * g * g;
    *w = kept * *w - a.rate * *m / (sqrtf(*v) * a.inverse_root + a.epsilon);
}

HL_KERNEL(adam) {
    const optimiser_piece piece = optimiser_own(a.all);
    float *__restrict__ weight = piece.p.weight;
    float *__restrict__ first = piece.p.first;
    float *__restrict__ second = piece.p.second;
    const float *__restrict__ gradient = piece.p.gradient;
    const float kept = piece.p.decay;
    OPTIMISER_FOR_EACH_FOUR(i, piece) {
        float4 w = optimiser_load(weight, i, piece.end), m = optimiser_load(first, i, piece.end);
        float4 v = optimiser_load(second, i, piece.end);
        const float4 g = optimiser_load(gradient, i, piece.end);
        adam_step(&w.x, g.x, &m.x, &v.x, a, kept);
        adam_step(&w.y, g.y, &m.y, &v.y, a, kept);
        adam_step(&w.z, g.z, &m.z, &v.z, a, kept);
        adam_step(&w.w, g.w, &m.w, &v.w, a, kept);
        optimiser_store(first, i, piece.end, m);
        optimiser_store(second, i, piece.end, v);
        optimiser_store(weight, i, piece.end, w);
    }
}
