// See include/kernels/elementwise.h.
#include "../include/kernels/elementwise.h"
#include "sums.cuh"
#include "values.cuh"
#include "vectors.cuh"

/// y[i] = f(x[i]): four values at a time, and what is left one by one.
template <class Function>
HL_DEVICE void each_value(hl_cuda_values x, hl_cuda_values y, unsigned count, Function f) {
    HL_FOR_EACH(i, count / 4) {
        const unsigned long at = 4ul * i;
        float4 v = load4(x, at);
        v.x = f(v.x);
        v.y = f(v.y);
        v.z = f(v.z);
        v.w = f(v.w);
        store4(y, at, v);
    }
    HL_FOR_EACH(i, count % 4) {
        const unsigned at = count - 1 - i;
        store(y, at, f(load(x, at)));
    }
}

/// z[i] = f(x[i], y[i])
template <class Function>
HL_DEVICE void each_pair(hl_cuda_add a, Function f) {
    HL_FOR_EACH(i, a.count / 4) {
        const unsigned long at = 4ul * i;
        float4 v = load4(a.x, at);
        const float4 w = load4(a.y, at);
        v.x = f(v.x, w.x);
        v.y = f(v.y, w.y);
        v.z = f(v.z, w.z);
        v.w = f(v.w, w.w);
        store4(a.z, at, v);
    }
    HL_FOR_EACH(i, a.count % 4) {
        const unsigned at = a.count - 1 - i;
        store(a.z, at, f(load(a.x, at), load(a.y, at)));
    }
}

HL_KERNEL(add) {
    each_pair(a, [](float x, float y) { return x + y; });
}

HL_KERNEL(multiply) {
    each_pair(a, [](float x, float y) { return x * y; });
}

HL_KERNEL(relu_backward) {
    each_pair(a, [](float x, float y) { return x > 0.0f ? y : 0.0f; });
}

HL_KERNEL(scale) {
    const float factor = a.parameter;
    each_value(a.x, a.y, a.count, [=](float x) { return factor * x; });
}

HL_KERNEL(inverse_root) {
    const float epsilon = a.parameter;
    each_value(a.x, a.y, a.count, [=](float x) { return 1.0f / sqrtf(x + epsilon); });
}

HL_KERNEL(relu) {
    each_value(a.x, a.y, a.count, [](float x) { return x <= 0.0f ? 0.0f : x; });  // NaN stays
}

// MARK: Images

HL_KERNEL(to_image) {
    HL_FOR_EACH(i, a.count) {
        const unsigned position = i / 3, channel = i % 3;
        const float x = load(a.x, (unsigned long)position * a.channels + channel);
        if (a.clamps) {
            float v = x * 0.5f + 0.5f;
            v = v < 0 ? 0 : v;
            a.image[i] = v > 1 ? 1 : v;
        } else {
            // (tanh x + 1) / 2 is the logistic function of 2 x.
            a.image[i] = 1 / (1 + hl_exp(-2 * x));
        }
    }
}

HL_KERNEL(to_image_backward) {
    HL_FOR_EACH(i, a.count) {
        const unsigned position = i / a.channels, channel = i % a.channels;
        float slope = 0;
        if (channel < 3) {
            const unsigned long at = 3ul * position + channel;
            const float y = a.image[at];
            slope = a.gradient[at] * (a.clamps ? y > 0 && y < 1 ? 0.5f : 0 : 2 * y * (1 - y));
        }
        store(a.x, i, slope);
    }
}

// MARK: Channels mixed to a few

enum { MIX_LANES = 8, MIX_GROUPS = HL_CUDA_THREADS / MIX_LANES, MIX_TURNS = HL_CUDA_MIX_POSITIONS / MIX_GROUPS };
// A place between groups of lanes keeps them in different banks of the shared memory.
enum { MIX_PITCH = MIX_LANES + 1 };

/// Every lane sums over vectors of channels of its own, of four positions a thread.
template <bool NARROW, int WIDTH>
HL_DEVICE void mix_share(const hl_cuda_mix_channels &a, float *memory) {
    const unsigned lane = threadIdx.x % MIX_LANES, group = threadIdx.x / MIX_LANES;
    const unsigned sample = blockIdx.x / a.parts, first = blockIdx.x % a.parts * HL_CUDA_MIX_POSITIONS + group;
    const unsigned long weights = (unsigned long)sample * a.outputs * a.channels;
    float sums[HL_CUDA_MIX_OUTPUTS][MIX_TURNS];
    for (unsigned o = 0; o < HL_CUDA_MIX_OUTPUTS; o++)
        for (unsigned t = 0; t < MIX_TURNS; t++) sums[o][t] = 0;
    for (unsigned c = lane * WIDTH; c < a.channels; c += MIX_LANES * WIDTH) {
        packed_vector<NARROW, WIDTH> x[MIX_TURNS];
#pragma unroll
        for (unsigned t = 0; t < MIX_TURNS; t++) {
            // The last position stands in for those behind it.
            const unsigned own = first + t * MIX_GROUPS, position = own < a.positions ? own : a.positions - 1;
            const unsigned long row = (unsigned long)sample * a.positions + position;
            x[t] = load_packed<NARROW, WIDTH>(a.x.at, row * a.channels + c);
        }
#pragma unroll
        for (unsigned o = 0; o < HL_CUDA_MIX_OUTPUTS; o++) {
            if (o >= a.outputs) continue;
            float w[WIDTH];
            load_floats<WIDTH>(a.weights, weights + (unsigned long)o * a.channels + c, 0, w);
            for (unsigned t = 0; t < MIX_TURNS; t++)
                for (int j = 0; j < WIDTH; j++) sums[o][t] += w[j] * part(x[t], j);
        }
    }
    for (unsigned o = 0; o < HL_CUDA_MIX_OUTPUTS; o++)
        for (unsigned t = 0; t < MIX_TURNS; t++)
            memory[(o * HL_CUDA_MIX_POSITIONS + t * MIX_GROUPS + group) * MIX_PITCH + lane] = sums[o][t];
}

HL_KERNEL(mix_channels) {
    HL_SHARED(float, memory, HL_CUDA_MIX_OUTPUTS *HL_CUDA_MIX_POSITIONS *MIX_PITCH);
    HL_FOR_VECTORS(a.x.narrow, a.wide, mix_share<NARROW, WIDTH>(a, memory));
    HL_BARRIER();
    const unsigned sample = blockIdx.x / a.parts, first = blockIdx.x % a.parts * HL_CUDA_MIX_POSITIONS;
    for (unsigned i = threadIdx.x; i < a.outputs * HL_CUDA_MIX_POSITIONS; i += HL_CUDA_THREADS) {
        const unsigned position = first + i % HL_CUDA_MIX_POSITIONS, output = i / HL_CUDA_MIX_POSITIONS;
        if (position >= a.positions) continue;
        const float *s = memory + i * MIX_PITCH;
        a.y[((unsigned long)sample * a.positions + position) * a.outputs + output] =
            ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
    }
}

template <bool NARROW, int WIDTH>
HL_DEVICE void mix_share_back(const hl_cuda_mix_channels_backward &a, float *memory) {
    enum { OUTPUTS = HL_CUDA_MIX_OUTPUTS, TURNS = 2 };
    const channel_share share = share_of_channels(a, WIDTH, a.channels, a.positions);
    const unsigned long sample = share.sample;
    float weights[OUTPUTS][WIDTH], sums[OUTPUTS][WIDTH];
    for (unsigned o = 0; o < OUTPUTS; o++) {
        for (int j = 0; j < WIDTH; j++) weights[o][j] = sums[o][j] = 0;
        if (share.end > 0 && o < a.outputs)
            load_floats<WIDTH>(a.weights, (sample * a.outputs + o) * a.channels + share.channel, 0, weights[o]);
    }
    for (unsigned place = share.first; place < share.end; place += TURNS * share.step) {
        packed_vector<NARROW, WIDTH> x[TURNS];
        float g[TURNS][OUTPUTS];
#pragma unroll
        for (unsigned t = 0; t < TURNS; t++) {
            if (place + t * share.step >= share.end) continue;
            const unsigned long row = sample * a.positions + place + t * share.step;
            x[t] = load_packed<NARROW, WIDTH>(a.x.at, row * a.channels + share.channel);
            for (unsigned o = 0; o < OUTPUTS; o++) g[t][o] = o < a.outputs ? a.gradient[row * a.outputs + o] : 0;
        }
#pragma unroll
        for (unsigned t = 0; t < TURNS; t++) {
            if (place + t * share.step >= share.end) continue;
            const unsigned long row = sample * a.positions + place + t * share.step;
            float d[WIDTH];
            for (int j = 0; j < WIDTH; j++) {
                d[j] = 0;
                for (unsigned o = 0; o < OUTPUTS; o++) {
                    d[j] += weights[o][j] * g[t][o];
                    sums[o][j] += part(x[t], j) * g[t][o];
                }
            }
            store_packed<NARROW, WIDTH>(a.input_gradient.at, row * a.channels + share.channel, d);
        }
    }
    for (unsigned o = 0; o < OUTPUTS; o++)
        for (int j = 0; j < WIDTH; j++) memory[(o * WIDTH + j) * HL_CUDA_THREADS + threadIdx.x] = sums[o][j];
}

HL_KERNEL(mix_channels_backward) {
    HL_SHARED(float, memory, HL_CUDA_MIX_OUTPUTS * 8 * HL_CUDA_THREADS);
    HL_FOR_VECTORS(a.x.narrow, a.wide, mix_share_back<NARROW, WIDTH>(a, memory));
    HL_BARRIER();
    const unsigned width = a.wide ? a.x.narrow ? 8 : 4 : 1;
    const channel_share share = share_of_channels(a, width, a.channels, a.positions);
    const unsigned long target = ((unsigned long)share.sample * a.parts + share.part) * a.outputs;
    for (unsigned i = threadIdx.x; i < a.outputs * width * a.lanes; i += HL_CUDA_THREADS) {
        const unsigned value = i / a.lanes, lane = i % a.lanes;
        const unsigned channel = share.channel - share.lane * width + lane * width + value % width;
        if (channel >= a.channels) continue;
        a.sums[(target + value / width) * a.channels + channel] = sum_of_rows(memory, value, lane, a.lanes);
    }
}
