// How norms share values among blocks and threads, and what they have for each channel, there and back the same.
#pragma once
#include "../include/kernels/norms.h"
#include "pooled.cuh"
#include "sums.cuh"

// MARK: Tiles of rows

/// A thread's part of a tile: rows row, row + step, … below `last`, of WIDTH channels from `channel` on.
struct norm_share {
    unsigned group, tile, row, last, step, channel;
    /// Of the group's first row.
    unsigned long start;
};

template <int WIDTH>
HL_DEVICE norm_share share_of_tile(const hl_cuda_norm_tiling &t, unsigned block) {
    norm_share s;
    const unsigned tiles = block / t.columns;
    s.group = tiles / t.tiles;
    s.tile = tiles % t.tiles;
    s.channel = (block % t.columns * t.lanes + threadIdx.x % t.lanes) * WIDTH;
    s.step = HL_CUDA_THREADS / t.lanes;
    s.row = s.tile * t.height + threadIdx.x / t.lanes;
    const unsigned end = (s.tile + 1) * t.height;
    s.last = s.channel >= t.channels ? 0 : end < t.rows ? end : t.rows;
    s.start = (unsigned long)s.group * t.rows * t.channels + s.channel;
    return s;
}

/// Calls load(k, at), BATCH times, then use(k, at) as often, for the values at all rows of a share: loads under way
/// together.
template <int BATCH, class Load, class Use>
HL_DEVICE void for_rows(const norm_share &s, unsigned channels, Load load, Use use) {
    const unsigned long stride = (unsigned long)s.step * channels;
    unsigned long at = s.start + (unsigned long)s.row * channels;
    unsigned row = s.row;
    for (; row + (BATCH - 1) * s.step < s.last; row += BATCH * s.step, at += BATCH * stride) {
#pragma unroll
        for (int k = 0; k < BATCH; k++) load(k, at + k * stride);
#pragma unroll
        for (int k = 0; k < BATCH; k++) use(k, at + k * stride);
    }
    for (; row < s.last; row += s.step, at += stride) {
        load(0, at);
        use(0, at);
    }
}

/// Two sums of each channel, those of the threads side by side, to the tile's place in [groups][tiles][2][channels].
/// `memory` has 2 * WIDTH * HL_CUDA_THREADS places.
template <int WIDTH>
HL_DEVICE void add_tile(const hl_cuda_norm_tiling &t, const norm_share &s, const float *sums, float *memory,
                        float *partial) {
    for (int j = 0; j < 2 * WIDTH; j++) memory[j * HL_CUDA_THREADS + threadIdx.x] = sums[j];
    HL_BARRIER();
    for (unsigned half = HL_CUDA_THREADS / 2; half >= t.lanes; half >>= 1) {
        if (threadIdx.x < half)
            for (int j = 0; j < 2 * WIDTH; j++)
                memory[j * HL_CUDA_THREADS + threadIdx.x] += memory[j * HL_CUDA_THREADS + threadIdx.x + half];
        HL_BARRIER();
    }
    if (threadIdx.x < t.lanes && s.channel < t.channels) {
        float *to = partial + ((unsigned long)s.group * t.tiles + s.tile) * 2 * t.channels + s.channel;
        for (int j = 0; j < WIDTH; j++) to[j] = memory[j * HL_CUDA_THREADS + threadIdx.x];
        for (int j = 0; j < WIDTH; j++) to[t.channels + j] = memory[(WIDTH + j) * HL_CUDA_THREADS + threadIdx.x];
    }
}

// MARK: Sums of all tiles

/// A block's channels, and the threads of each.
enum { norm_channels = HL_CUDA_NORM_CHANNELS, norm_lanes = HL_CUDA_THREADS / norm_channels };

struct norm_sum_pair {
    double first, second;
};

/// The sums over the threads of a channel, a fixed tree, in its first thread. `memory` has 2 * HL_CUDA_THREADS places.
HL_DEVICE norm_sum_pair add_lanes(norm_sum_pair own, double *memory) {
    double *second = memory + HL_CUDA_THREADS;
    memory[threadIdx.x] = own.first;
    second[threadIdx.x] = own.second;
    HL_BARRIER();
    for (unsigned half = HL_CUDA_THREADS / 2; half >= norm_channels; half >>= 1) {
        if (threadIdx.x < half) {
            memory[threadIdx.x] += memory[threadIdx.x + half];
            second[threadIdx.x] += second[threadIdx.x + half];
        }
        HL_BARRIER();
    }
    own.first = memory[threadIdx.x % norm_channels];
    own.second = second[threadIdx.x % norm_channels];
    HL_BARRIER();
    return own;
}

/// A group's partial sums from number `first` on, every so many.
HL_DEVICE norm_sum_pair sum_tiles(const float *partial, unsigned group, unsigned tiles, unsigned first, unsigned every,
                                  unsigned channels, unsigned channel) {
    norm_sum_pair sum = {0, 0};
    if (channel >= channels) return sum;
    const float *from = partial + (unsigned long)group * tiles * 2 * channels + channel;
#pragma unroll 8
    for (unsigned tile = first; tile < tiles; tile += every) {
        sum.first += (double)from[(unsigned long)tile * 2 * channels];
        sum.second += (double)from[((unsigned long)tile * 2 + 1) * channels];
    }
    return sum;
}

// MARK: Statistics

HL_DEVICE float inverse_deviation(float variance, float epsilon) { return 1.0f / sqrtf(variance + epsilon); }

/// What a norm has for WIDTH channels, forward and backward the same to the bit.
template <int WIDTH>
struct norm_factors {
    float mean[WIDTH], inverse[WIDTH], scale[WIDTH], shift[WIDTH];
};

/// Those of a share; zeros where it has no rows. FIXED statistics may be given as a variance.
template <int WIDTH, bool FIXED = false>
HL_DEVICE norm_factors<WIDTH> load_factors(const hl_cuda_norm &n, const norm_share &s) {
    norm_factors<WIDTH> f = {};
    if (s.row >= s.last) return f;
    const unsigned long at = (unsigned long)s.group * n.statistics_step + s.channel;
    const unsigned long affine = (unsigned long)s.group * n.affine_step + s.channel;
    load_floats<WIDTH>(n.mean, at, 0, f.mean);
    load_floats<WIDTH>(FIXED && n.variance ? n.variance : n.inverse, at, 0, f.inverse);
    load_floats<WIDTH>(n.weight, affine, 1, f.scale);
    load_floats<WIDTH>(n.bias, affine, 0, f.shift);
    if (FIXED && n.variance)
        for (int j = 0; j < WIDTH; j++) f.inverse[j] = inverse_deviation(f.inverse[j], n.epsilon);
    for (int j = 0; j < WIDTH; j++) {
        f.scale[j] = f.inverse[j] * f.scale[j];
        f.shift[j] = f.shift[j] - f.mean[j] * f.scale[j];
    }
    return f;
}
