// See include/kernels/weights.h.
#include "../include/kernels/weights.h"
#include "sums.cuh"
#include "values.cuh"

// MARK: Wide kernels

// Reading and writing run along channels, turned in shared memory where those of the two sides change places.
HL_KERNEL(widen) {
    HL_SHARED(float, tile, 32 * 33);
    const unsigned tiles = (a.inputs + 31) / 32, x = threadIdx.x % 32, y = threadIdx.x / 32;
    const unsigned output = blockIdx.x / tiles * 32, input = blockIdx.x % tiles * 32;
    const unsigned p = a.upsampling ? 3 - blockIdx.y / 4 : blockIdx.y / 4;
    const unsigned q = a.upsampling ? 3 - blockIdx.y % 4 : blockIdx.y % 4;
    for (unsigned k = y; k < 32; k += 8) {
        const unsigned o = output + k, i = input + x;
        if (o >= a.outputs || i >= a.inputs) continue;
        float sum = 0;
        for (unsigned v = q ? q - 1 : 0; v <= q && v < 3; v++) {
            float column = 0;
            for (unsigned u = p ? p - 1 : 0; u <= p && u < 3; u++)
                column += a.weight[((unsigned long)o * 9 + u * 3 + v) * a.inputs + i];
            sum += column;
        }
        if (a.upsampling)
            tile[k * 33 + x] = a.scale * sum;
        else
            a.wide[((unsigned long)o * 16 + blockIdx.y) * a.inputs + i] = a.scale * sum;
    }
    HL_BARRIER();
    for (unsigned k = y; k < 32 && a.upsampling; k += 8) {
        const unsigned i = input + k, o = output + x;
        if (i >= a.inputs || o >= a.outputs) continue;
        a.wide[((unsigned long)i * 16 + blockIdx.y) * a.outputs + o] = tile[x * 33 + k];
    }
}

HL_KERNEL(widen_backward) {
    HL_SHARED(float, tile, 32 * 33);
    const unsigned slow = a.upsampling ? a.inputs : a.outputs, fast = a.upsampling ? a.outputs : a.inputs;
    const unsigned tiles = (fast + 31) / 32, x = threadIdx.x % 32, y = threadIdx.x / 32;
    const unsigned first = blockIdx.x / tiles * 32, second = blockIdx.x % tiles * 32;
    for (unsigned k = y; k < 32; k += 8) {
        const unsigned s = first + k, f = second + x;
        if (s >= slow || f >= fast) continue;
        float sum = 0;
        for (unsigned p = blockIdx.y / 3; p <= blockIdx.y / 3 + 1; p++) {
            float row = 0;
            for (unsigned q = blockIdx.y % 3; q <= blockIdx.y % 3 + 1; q++)
                row += a.wide[((unsigned long)s * 16 + (a.upsampling ? 15 - p * 4 - q : p * 4 + q)) * fast + f];
            sum += row;
        }
        if (a.upsampling)
            tile[k * 33 + x] = a.scale * sum;
        else
            a.weight[((unsigned long)s * 9 + blockIdx.y) * fast + f] = a.scale * sum;
    }
    HL_BARRIER();
    for (unsigned k = y; k < 32 && a.upsampling; k += 8) {
        const unsigned o = second + k, i = first + x;
        if (i >= a.inputs || o >= a.outputs) continue;
        a.weight[((unsigned long)o * 9 + blockIdx.y) * a.inputs + i] = tile[x * 33 + k];
    }
}

// MARK: Spectral normalisation

// Sums that decide a length are double, as the CPU's.
HL_DEVICE double square_sum(const float *x, unsigned count, double *memory) {
    double sum = 0;
    for (unsigned i = threadIdx.x; i < count; i += HL_CUDA_THREADS) sum += (double)x[i] * x[i];
    return block_sum(sum, memory);
}

HL_KERNEL(spectral_unit) {
    HL_SHARED(double, memory, HL_CUDA_THREADS);
    const float scale = 1 / fmaxf((float)sqrt(square_sum(a.x, a.count, memory)), a.epsilon);
    for (unsigned i = threadIdx.x; i < a.count; i += HL_CUDA_THREADS) {
        const float value = a.x[i] * scale;
        a.y[i] = value;
        a.ordered[i % a.inputs * a.taps + i / a.inputs] = value;
    }
}

HL_KERNEL(spectral_scale) {
    HL_SHARED(double, memory, HL_CUDA_THREADS);
    const float scale = 1 / fmaxf((float)sqrt(square_sum(a.image, a.rows, memory)), a.epsilon);
    double part = 0;
    for (unsigned i = threadIdx.x; i < a.rows; i += HL_CUDA_THREADS) {
        const float left = a.image[i] * scale;
        part += (double)a.image[i] * left;
        if (blockIdx.x == 0) a.left[i] = left;
    }
    const float value = (float)block_sum(part, memory), inverse = 1 / value;
    if (blockIdx.x == 0 && threadIdx.x == 0) *a.value = value;
    HL_FOR_EACH(i, a.count) a.y[i] = a.weight[i] * inverse;
}

HL_KERNEL(spectral_along) {
    HL_SHARED(double, memory, HL_CUDA_THREADS);
    double part = 0;
    HL_FOR_EACH(i, a.count) part += (double)a.gradient[i] * a.weight[i];
    const double sum = block_sum(part, memory);
    if (threadIdx.x == 0) a.sums[blockIdx.x] = sum;
}

HL_KERNEL(spectral_backward) {
    HL_SHARED(double, memory, HL_CUDA_THREADS);
    const double along = block_sum(threadIdx.x < a.parts ? a.sums[threadIdx.x] : 0.0, memory);
    const float inverse = 1 / *a.value;
    const unsigned columns = a.inputs * a.taps;
    HL_FOR_EACH(i, a.count) {
        const unsigned row = i / columns, column = i % columns;
        const float slope = -(float)along * a.left[row] * inverse;
        a.y[i] = a.gradient[i] * inverse + slope * a.right[column % a.inputs * a.taps + column / a.inputs];
    }
}
