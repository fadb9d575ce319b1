// Sums and maxima over threads, by fixed trees, and how threads share rows and channels.
#pragma once
#include "device.cuh"

// MARK: Rows of a matrix, of which `lanes` neighbouring threads, a power of two, take one together

/// What a thread takes of its row: the columns first, first + lanes, … below `end`; beyond the last row, none.
struct row_share {
    /// Of the row's first value.
    unsigned long start;
    unsigned row, first, end;
    /// Whether the thread writes what is one value a row.
    bool leads;
};

HL_DEVICE row_share share_of_row(unsigned rows, unsigned columns, unsigned lanes) {
    row_share share;
    share.row = blockIdx.x * (HL_CUDA_THREADS / lanes) + threadIdx.x / lanes;
    share.first = threadIdx.x & (lanes - 1);
    share.end = share.row < rows ? columns : 0;
    share.start = (unsigned long)share.row * columns;
    share.leads = share.first == 0 && share.row < rows;
    return share;
}

/// The sum over the threads of a row, a fixed tree, the same in all of them. `memory` has HL_CUDA_THREADS places; all
/// threads of a block call.
template <class T>
HL_DEVICE T row_sum(T value, T *memory, unsigned lanes) {
    const unsigned lane = threadIdx.x & (lanes - 1);
    memory[threadIdx.x] = value;
    HL_BARRIER();
    for (unsigned half = lanes / 2; half; half >>= 1) {
        if (lane < half) memory[threadIdx.x] += memory[threadIdx.x + half];
        HL_BARRIER();
    }
    const T sum = memory[threadIdx.x - lane];
    HL_BARRIER();
    return sum;
}

/// The same over all threads of the block.
template <class T>
HL_DEVICE T block_sum(T value, T *memory) {
    return row_sum(value, memory, HL_CUDA_THREADS);
}

/// The greatest, likewise.
HL_DEVICE float row_max(float value, float *memory, unsigned lanes) {
    const unsigned lane = threadIdx.x & (lanes - 1);
    memory[threadIdx.x] = value;
    HL_BARRIER();
    for (unsigned half = lanes / 2; half; half >>= 1) {
        if (lane < half) memory[threadIdx.x] = fmaxf(memory[threadIdx.x], memory[threadIdx.x + half]);
        HL_BARRIER();
    }
    const float most = memory[threadIdx.x - lane];
    HL_BARRIER();
    return most;
}

// MARK: Channels and places

/// How blocks share out [samples][places][channels]. A thread has a vector of channels, the same all the time; `lanes`
/// neighbouring threads have neighbouring vectors, and `tiles` blocks all of them. As many rows of lanes as a block has
/// take places in turns: those of one of a sample's `parts`, `span` places each.
struct channel_share {
    /// What this thread has: places first, first + step, ... below end of a part of a sample, of the channels from
    /// `channel` on; none where there are no such channels, or there is no row for the thread.
    unsigned sample, part, lane, channel, first, end, step;
};

template <class Tiles>
HL_DEVICE channel_share share_of_channels(const Tiles &tiles, unsigned width, unsigned channels, unsigned places) {
    const unsigned rest = blockIdx.x / tiles.tiles, row = threadIdx.x / tiles.lanes;
    channel_share share;
    share.part = rest % tiles.parts;
    share.sample = rest / tiles.parts;
    share.lane = threadIdx.x % tiles.lanes;
    share.channel = (blockIdx.x % tiles.tiles * tiles.lanes + share.lane) * width;
    share.step = HL_CUDA_THREADS / tiles.lanes;
    const unsigned start = share.part * tiles.span;
    share.first = start + row;
    share.end = start + tiles.span < places ? start + tiles.span : places;
    if (row >= share.step || share.channel >= channels) share.end = 0;
    return share;
}

/// The sum over the rows of a block: thread t left value `value` of its lane at memory[value * HL_CUDA_THREADS + t].
HL_DEVICE float sum_of_rows(const float *memory, unsigned value, unsigned lane, unsigned lanes) {
    double sum = 0;
    for (unsigned row = 0; row < HL_CUDA_THREADS / lanes; row++)
        sum += memory[value * HL_CUDA_THREADS + row * lanes + lane];
    return (float)sum;
}
