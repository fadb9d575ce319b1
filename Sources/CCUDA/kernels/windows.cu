// See include/kernels/windows.h. Places before the first row or column wrap around and are too large, then.
#include "../include/kernels/windows.h"
#include "sums.cuh"
#include "values.cuh"

// N neighbouring values, 4 in one access to memory.
template <unsigned N>
HL_DEVICE void load_some(float *values, hl_cuda_values v, unsigned long i) {
    if (N == 4) {
        const float4 four = load4(v, i);
        values[0] = four.x, values[1] = four.y, values[2] = four.z, values[3] = four.w;
    } else {
        values[0] = load(v, i);
    }
}

template <unsigned N>
HL_DEVICE void store_some(const float *values, hl_cuda_values v, unsigned long i) {
    if (N == 4) {
        float4 four;
        four.x = values[0], four.y = values[1], four.z = values[2], four.w = values[3];
        store4(v, i, four);
    } else {
        store(v, i, values[0]);
    }
}

// MARK: Convolutions as products

// With channels last a row of a window is one stretch of memory, in x as in y.
template <class Word>
HL_DEVICE void gather_windows(const hl_cuda_im2col &a) {
    const unsigned run = a.kernel * a.channels, line = a.width * a.channels, u = blockIdx.y;
    HL_FOR_EACH(n, a.positions * run) {
        const unsigned e = n % run, position = n / run, at = a.first + position;
        const unsigned j = at % a.columns, above = at / a.columns, i = above % a.rows, sample = above / a.rows;
        const unsigned row = i * a.stride + u - a.padding, place = (j * a.stride - a.padding) * a.channels + e;
        Word value = {};
        if (row < a.height && place < line)
            value = ((const Word *)a.x)[((unsigned long)sample * a.height + row) * line + place];
        ((Word *)a.y)[((unsigned long)position * a.kernel + u) * run + e] = value;
    }
}

HL_KERNEL(im2col) {
    if (a.size == 16)
        gather_windows<float4>(a);
    else if (a.size == 8)
        gather_windows<uint2>(a);
    else if (a.size == 4)
        gather_windows<unsigned>(a);
    else
        gather_windows<unsigned short>(a);
}

template <unsigned N>
HL_DEVICE void gather_back(const hl_cuda_col2im &a) {
    const unsigned width = a.channels / N, taps = a.kernel * a.kernel;
    const hl_cuda_values windows = {(void *)a.y, 0};
    HL_FOR_EACH(n, a.samples * a.lines * a.width * width) {
        const unsigned c = n % width * N, place = n / width, column = place % a.width, above = place / a.width;
        const unsigned row = a.top + above % a.lines, sample = above / a.lines;
        float sum[N] = {};
        for (unsigned u = (row + a.padding) % a.stride; u < a.kernel && u <= row + a.padding; u += a.stride) {
            const unsigned i = (row + a.padding - u) / a.stride;
            if (i >= a.rows) continue;
            const unsigned long line = ((unsigned long)sample * a.bottom_lines + i - a.bottom) * a.columns;
            for (unsigned v = (column + a.padding) % a.stride; v < a.kernel && v <= column + a.padding; v += a.stride) {
                const unsigned j = (column + a.padding - v) / a.stride;
                if (j >= a.columns) continue;
                float value[N];
                load_some<N>(value, windows, ((line + j) * taps + u * a.kernel + v) * a.channels + c);
                for (unsigned k = 0; k < N; k++) sum[k] += value[k];
            }
        }
        const unsigned long line = (unsigned long)(a.sample + sample) * a.height + row;
        store_some<N>(sum, a.x, (line * a.width + column) * a.channels + c);
    }
}

HL_KERNEL(col2im) {
    if (a.channels % 4)
        gather_back<1>(a);
    else
        gather_back<4>(a);
}

// MARK: Depthwise convolution

template <unsigned N>
HL_DEVICE void depthwise_some(const hl_cuda_depthwise &a) {
    const unsigned width = a.channels / N;
    const hl_cuda_values weights = {(void *)a.weight, 0};
    HL_FOR_EACH(n, a.count / N) {
        const unsigned c = n % width * N, place = n / width, j = place % a.columns, above = place / a.columns;
        const unsigned i = above % a.rows, sample = above / a.rows;
        float sum[N] = {};
        for (unsigned u = 0; u < a.kernel; u++) {
            const unsigned row = i * a.stride + u - a.padding;
            if (row >= a.height) continue;
            for (unsigned v = 0; v < a.kernel; v++) {
                const unsigned column = j * a.stride + v - a.padding;
                if (column >= a.width) continue;
                float value[N], weight[N];
                const unsigned long line = (unsigned long)sample * a.height + row;
                load_some<N>(value, a.x, (line * a.width + column) * a.channels + c);
                load_some<N>(weight, weights, (u * a.kernel + v) * a.channels + c);
                for (unsigned k = 0; k < N; k++) sum[k] += weight[k] * value[k];
            }
        }
        store_some<N>(sum, a.y, (unsigned long)place * a.channels + c);
    }
}

HL_KERNEL(depthwise) {
    if (a.channels % 4)
        depthwise_some<1>(a);
    else
        depthwise_some<4>(a);
}

template <unsigned N>
HL_DEVICE void depthwise_back(const hl_cuda_depthwise_input_gradient &a) {
    const unsigned width = a.channels / N;
    const hl_cuda_values weights = {(void *)a.weight, 0};
    HL_FOR_EACH(n, a.count / N) {
        const unsigned c = n % width * N, place = n / width, column = place % a.width, above = place / a.width;
        const unsigned row = above % a.height, sample = above / a.height;
        float sum[N] = {};
        for (unsigned u = (row + a.padding) % a.stride; u < a.kernel && u <= row + a.padding; u += a.stride) {
            const unsigned i = (row + a.padding - u) / a.stride;
            if (i >= a.rows) continue;
            for (unsigned v = (column + a.padding) % a.stride; v < a.kernel && v <= column + a.padding; v += a.stride) {
                const unsigned j = (column + a.padding - v) / a.stride;
                if (j >= a.columns) continue;
                float value[N], weight[N];
                const unsigned long line = (unsigned long)sample * a.rows + i;
                load_some<N>(value, a.y, (line * a.columns + j) * a.channels + c);
                load_some<N>(weight, weights, (u * a.kernel + v) * a.channels + c);
                for (unsigned k = 0; k < N; k++) sum[k] += weight[k] * value[k];
            }
        }
        store_some<N>(sum, a.x, (unsigned long)place * a.channels + c);
    }
}

HL_KERNEL(depthwise_input_gradient) {
    if (a.channels % 4)
        depthwise_back<1>(a);
    else
        depthwise_back<4>(a);
}

// The sums of K x K taps from row and column `u`, `v` of the kernel on: eight groups of 32 threads take rows of y in
// turns, a thread for each channel.
template <unsigned K>
HL_DEVICE void depthwise_taps(const hl_cuda_depthwise_weight_sums &a, unsigned u, unsigned v, float *memory) {
    const unsigned lane = threadIdx.x % 32, group = threadIdx.x / 32, c = blockIdx.x * 32 + lane;
    const unsigned first = blockIdx.y * a.part, last = first + a.part < a.lines ? first + a.part : a.lines;
    float sums[K * K] = {};
    for (unsigned line = first + group; line < last && c < a.channels; line += 8) {
        const unsigned top = line % a.rows * a.stride + u - a.padding, sample = line / a.rows;
        for (unsigned j = 0; j < a.columns; j++) {
            const unsigned left = j * a.stride + v - a.padding;
            const float gradient = load(a.y, ((unsigned long)line * a.columns + j) * a.channels + c);
#pragma unroll
            for (unsigned t = 0; t < K * K; t++) {
                const unsigned row = top + t / K, column = left + t % K;
                const unsigned long place = ((unsigned long)sample * a.height + row) * a.width + column;
                if (row < a.height && column < a.width) sums[t] += gradient * load(a.x, place * a.channels + c);
            }
        }
    }
#pragma unroll
    for (unsigned t = 0; t < K * K; t++) {
        memory[threadIdx.x] = sums[t];
        HL_BARRIER();
        for (unsigned half = 4; half; half >>= 1) {
            if (group < half) memory[threadIdx.x] += memory[threadIdx.x + half * 32];
            HL_BARRIER();
        }
        const unsigned tap = blockIdx.y * a.kernel * a.kernel + (u + t / K) * a.kernel + v + t % K;
        if (group == 0 && c < a.channels) a.sums[(unsigned long)tap * a.channels + c] = memory[lane];
        HL_BARRIER();
    }
}

HL_KERNEL(depthwise_weight_sums) {
    HL_SHARED(float, memory, HL_CUDA_THREADS);
    if (a.kernel == 3)
        depthwise_taps<3>(a, 0, 0, memory);
    else if (a.kernel == 5)
        depthwise_taps<5>(a, 0, 0, memory);
    else
        for (unsigned t = 0; t < a.kernel * a.kernel; t++) depthwise_taps<1>(a, t / a.kernel, t % a.kernel, memory);
}

HL_KERNEL(depthwise_weight_gradient) {
    HL_SHARED(float, memory, HL_CUDA_THREADS);
    const unsigned lane = threadIdx.x % 32, group = threadIdx.x / 32, n = blockIdx.x * 32 + lane;
    const unsigned count = a.taps * a.channels;
    float sum = 0;
    for (unsigned part = group; part < a.parts && n < count; part += 8) sum += a.sums[(unsigned long)part * count + n];
    memory[threadIdx.x] = sum;
    HL_BARRIER();
    for (unsigned half = 4; half; half >>= 1) {
        if (group < half) memory[threadIdx.x] += memory[threadIdx.x + half * 32];
        HL_BARRIER();
    }
    if (group == 0 && n < count) a.weight[n % a.channels * a.taps + n / a.channels] = memory[lane];
}
