// The language of our kernels: CUDA C++ for NVRTC, C++ for the emulated device, where threads of a block are fibers.
//
// Rules, which make results the same every time and the emulated device a fair judge:
// - a kernel is HL_KERNEL(name) { … }, its arguments are the fields of `a`, a `hl_cuda_name`;
// - barriers are HL_BARRIER(), which all threads of a block pass; nobody returns before one;
// - no atomics, no shuffles, no dynamic shared memory: HL_SHARED(type, name, count), sums as fixed trees;
// - no two blocks write to the same place, and none reads what another one writes;
// - counts are `unsigned` and below 2^31, offsets in bytes or of whole tensors `unsigned long`.
#pragma once

#ifdef __CUDACC_RTC__
#define HL_KERNEL(name) extern "C" __global__ void kernel_##name(const hl_cuda_##name a)
#define HL_SHARED(type, name, count) __shared__ type name[count]
#define HL_BARRIER() __syncthreads()
#define HL_DEVICE __device__ static __forceinline__
#define INFINITY __int_as_float(0x7f800000)
HL_DEVICE unsigned bits_of(float x) { return __float_as_uint(x); }
HL_DEVICE float float_of(unsigned x) { return __uint_as_float(x); }
#else
#include <math.h>
#include <string.h>
struct hl_dim3 {
    unsigned x = 1, y = 1, z = 1;
};
// The thread that runs, as in CUDA.
extern thread_local hl_dim3 threadIdx, blockIdx, blockDim, gridDim;
void hl_emulated_barrier();
#define HL_KERNEL(name) static void kernel_##name(const hl_cuda_##name a)
#define HL_SHARED(type, name, count) static thread_local type name[count]
#define HL_BARRIER() hl_emulated_barrier()
#define HL_DEVICE static inline
HL_DEVICE unsigned bits_of(float x) {
    unsigned bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
HL_DEVICE float float_of(unsigned x) {
    float value;
    memcpy(&value, &x, sizeof value);
    return value;
}
struct float4 {
    float x, y, z, w;
};
struct uint2 {
    unsigned x, y;
};
#endif

// MARK: Values, f32 or bf16

/// The upper half of an f32.
HL_DEVICE float widened(unsigned short value) { return float_of((unsigned)value << 16); }

/// To the nearest, ties to even; NaN stays NaN: the bits of values.h.
HL_DEVICE unsigned short narrowed(float value) {
    const unsigned bits = bits_of(value);
    const unsigned rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16, broken = (bits >> 16) | 0x40;
    return (unsigned short)((bits & 0x7fffffff) > 0x7f800000 ? broken : rounded);
}

HL_DEVICE float load(hl_cuda_values v, unsigned long i) {
    return v.narrow ? widened(((const unsigned short *)v.at)[i]) : ((const float *)v.at)[i];
}

HL_DEVICE void store(hl_cuda_values v, unsigned long i, float value) {
    if (v.narrow)
        ((unsigned short *)v.at)[i] = narrowed(value);
    else
        ((float *)v.at)[i] = value;
}

/// Four neighbours from i on, a multiple of 4: one access to memory.
HL_DEVICE float4 load4(hl_cuda_values v, unsigned long i) {
    if (!v.narrow) return *(const float4 *)((const float *)v.at + i);
    const uint2 pair = *(const uint2 *)((const unsigned short *)v.at + i);
    float4 result;
    result.x = float_of(pair.x << 16);
    result.y = float_of(pair.x & 0xffff0000u);
    result.z = float_of(pair.y << 16);
    result.w = float_of(pair.y & 0xffff0000u);
    return result;
}

HL_DEVICE void store4(hl_cuda_values v, unsigned long i, float4 value) {
    if (!v.narrow) {
        *(float4 *)((float *)v.at + i) = value;
        return;
    }
    uint2 pair;
    pair.x = (unsigned)narrowed(value.x) | (unsigned)narrowed(value.y) << 16;
    pair.y = (unsigned)narrowed(value.z) | (unsigned)narrowed(value.w) << 16;
    *(uint2 *)((unsigned short *)v.at + i) = pair;
}

// MARK: Threads

/// Runs its body for i = 0 ..< count, the threads of the grid side by side.
#define HL_FOR_EACH(i, count)                                                                     \
    for (unsigned i = blockIdx.x * HL_CUDA_THREADS + threadIdx.x; i < (count); \
         i += gridDim.x * HL_CUDA_THREADS)

/// Sums over the block's threads, of which each brings one value: a fixed tree, the same in all threads. `memory` has
/// HL_CUDA_THREADS places; all threads call.
template <class T>
HL_DEVICE T block_sum(T value, T *memory) {
    memory[threadIdx.x] = value;
    HL_BARRIER();
    for (unsigned half = HL_CUDA_THREADS / 2; half; half >>= 1) {
        if (threadIdx.x < half) memory[threadIdx.x] += memory[threadIdx.x + half];
        HL_BARRIER();
    }
    const T sum = memory[0];
    HL_BARRIER();
    return sum;
}

/// The greatest, likewise.
HL_DEVICE float block_max(float value, float *memory) {
    memory[threadIdx.x] = value;
    HL_BARRIER();
    for (unsigned half = HL_CUDA_THREADS / 2; half; half >>= 1) {
        if (threadIdx.x < half) memory[threadIdx.x] = fmaxf(memory[threadIdx.x], memory[threadIdx.x + half]);
        HL_BARRIER();
    }
    const float most = memory[0];
    HL_BARRIER();
    return most;
}

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

// MARK: Functions

/// e^x with the arithmetic, and the bits, of CKernels' exponential.h.
HL_DEVICE float hl_exp(float x) {
    float clamped = x < -87.0f ? -87.0f : x;
    clamped = clamped > 88.0f ? 88.0f : clamped;
    const float shifted = clamped * 1.44269504088896341f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    const float r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return x != x ? x : p * float_of((bits_of(shifted) - 0x4b400000u + 127u) << 23);
}

// MARK: Vectors: neighbours along the channels in one access of 16 bytes, 8 of bf16 or 4 of f32, or one value alone

#ifndef __CUDACC_RTC__
struct uint4 {
    unsigned x, y, z, w;
};
#endif

/// Runs a call with NARROW and WIDTH, constants, for values of either type, in vectors or one by one.
#define HL_FOR_VECTORS(narrow, wide, ...)  \
    do {                                   \
        if (narrow) {                      \
            constexpr bool NARROW = true;  \
            if (wide) {                    \
                constexpr int WIDTH = 8;   \
                __VA_ARGS__;               \
            } else {                       \
                constexpr int WIDTH = 1;   \
                __VA_ARGS__;               \
            }                              \
        } else {                           \
            constexpr bool NARROW = false; \
            if (wide) {                    \
                constexpr int WIDTH = 4;   \
                __VA_ARGS__;               \
            } else {                       \
                constexpr int WIDTH = 1;   \
                __VA_ARGS__;               \
            }                              \
        }                                  \
    } while (0)

/// As they lie in memory, so that those on their way take few registers.
template <bool NARROW, int WIDTH>
struct packed_vector {
    unsigned words[WIDTH == 1 ? 1 : 4];
};

/// Those from i on, a multiple of WIDTH.
template <bool NARROW, int WIDTH>
HL_DEVICE packed_vector<NARROW, WIDTH> load_packed(const void *from, unsigned long i) {
    packed_vector<NARROW, WIDTH> v;
    if constexpr (WIDTH > 1) {
        const uint4 words = *(const uint4 *)((const char *)from + i * (NARROW ? 2 : 4));
        v.words[0] = words.x;
        v.words[1] = words.y;
        v.words[2] = words.z;
        v.words[3] = words.w;
    } else if constexpr (NARROW) {
        v.words[0] = (unsigned)((const unsigned short *)from)[i] << 16;
    } else {
        v.words[0] = bits_of(((const float *)from)[i]);
    }
    return v;
}

/// One of them.
template <bool NARROW, int WIDTH>
HL_DEVICE float part(const packed_vector<NARROW, WIDTH> &v, int j) {
    if constexpr (NARROW && WIDTH > 1) return float_of(j % 2 ? v.words[j / 2] & 0xffff0000u : v.words[j / 2] << 16);
    return float_of(v.words[j]);
}

template <bool NARROW, int WIDTH>
HL_DEVICE void store_packed(void *to, unsigned long i, const float *values) {
    if constexpr (WIDTH > 1) {
        unsigned words[4];
        for (int j = 0; j < 4; j++)
            if constexpr (NARROW)
                words[j] = (unsigned)narrowed(values[2 * j]) | (unsigned)narrowed(values[2 * j + 1]) << 16;
            else
                words[j] = bits_of(values[j]);
        uint4 four;
        four.x = words[0];
        four.y = words[1];
        four.z = words[2];
        four.w = words[3];
        *(uint4 *)((char *)to + i * (NARROW ? 2 : 4)) = four;
    } else if constexpr (NARROW) {
        ((unsigned short *)to)[i] = narrowed(values[0]);
    } else {
        ((float *)to)[i] = values[0];
    }
}

/// As a value that was stored.
template <bool NARROW>
HL_DEVICE float rounded(float value) {
    return NARROW ? widened(narrowed(value)) : value;
}

// MARK: Windows of pooling, whose geometry `p` has as in pooling.h

/// A place along a side, or the nearest one within.
HL_DEVICE unsigned clamped_place(int place, unsigned side) {
    return place < 0 ? 0 : (unsigned)place < side ? (unsigned)place : side - 1;
}

/// The maxima of `change(value, j)` over window number `place` of all samples, of WIDTH channels from `channel` on, and where
/// they came from. SIZE is the window's, or 0. What lies outside is read within, so that no load waits for a decision.
template <bool NARROW, int WIDTH, int SIZE, class Geometry, class Change>
HL_DEVICE void pool_window(const Geometry &p, unsigned channels, unsigned place, unsigned channel, Change change,
                           float *best, unsigned *chosen) {
    const unsigned column = place % p.columns, line = place / p.columns, sample = line / p.rows;
    const int top = (int)(line % p.rows * p.stride) - (int)p.padding, left = (int)(column * p.stride) - (int)p.padding;
    const int size = SIZE ? SIZE : (int)p.window;
    bool begun = false;
    for (int j = 0; j < WIDTH; j++) {
        best[j] = 0;
        chosen[j] = 0;
    }
    for (int i = 0; i < size; i++)
        for (int k = 0; k < size; k++) {
            const unsigned r = clamped_place(top + i, p.height), c = clamped_place(left + k, p.width);
            const bool within = (unsigned)(top + i) == r && (unsigned)(left + k) == c;
            const packed_vector<NARROW, WIDTH> v = load_packed<NARROW, WIDTH>(
                p.x.at, ((unsigned long)((sample * p.height + r) * p.width) + c) * channels + channel);
            for (int j = 0; j < WIDTH; j++) {
                const float value = change(part(v, j), j);
                const bool larger = within && (!begun || value > best[j] || value != value);
                best[j] = larger ? value : best[j];
                chosen[j] = larger ? (unsigned)(i * size + k) : chosen[j];
            }
            begun = begun || within;
        }
}

/// Places in windows, a byte each.
template <int WIDTH>
HL_DEVICE void store_chosen(unsigned char *to, unsigned long i, const unsigned *chosen) {
    if constexpr (WIDTH == 1) {
        to[i] = (unsigned char)chosen[0];
    } else {
        for (int j = 0; j < WIDTH; j += 4)
            *(unsigned *)(to + i + j) = chosen[j] | chosen[j + 1] << 8 | chosen[j + 2] << 16 | chosen[j + 3] << 24;
    }
}

/// What the windows over place number `place` of all samples that have chosen it send back, in their order, as the gradient's
/// type holds it. No more than REACH of them lie over a place either way, or with 0 any number.
template <bool NARROW, int WIDTH, int REACH, class Geometry>
HL_DEVICE void pool_back(const Geometry &p, unsigned channels, unsigned place, unsigned channel, float *sum) {
    const unsigned column = place % p.width + p.padding, line = place / p.width;
    const unsigned row = line % p.height + p.padding, sample = line / p.height;
    // The first one whose end lies behind the place, and the last one that begins before.
    const unsigned first = row < p.window ? 0 : (row - p.window) / p.stride + 1;
    const unsigned left = column < p.window ? 0 : (column - p.window) / p.stride + 1;
    const unsigned last = row / p.stride < p.rows ? row / p.stride : p.rows - 1;
    const unsigned right = column / p.stride < p.columns ? column / p.stride : p.columns - 1;
    for (int j = 0; j < WIDTH; j++) sum[j] = 0;
    for (unsigned i = 0; REACH ? i < REACH : first + i <= last; i++) {
        if (first + i > last) continue;
        for (unsigned k = 0; REACH ? k < REACH : left + k <= right; k++) {
            // Behind the last one that is read again, and takes no part.
            const unsigned r = first + i, c = left + k <= right ? left + k : right;
            const unsigned long at =
                ((unsigned long)((sample * p.rows + r) * p.columns) + c) * channels + channel;
            const packed_vector<NARROW, WIDTH> g = load_packed<NARROW, WIDTH>(p.gradient.at, at);
            unsigned chosen[WIDTH == 8 ? 2 : 1];
            if constexpr (WIDTH == 1)
                chosen[0] = p.chosen[at];
            else
                for (int j = 0; j < WIDTH; j += 4) chosen[j / 4] = *(const unsigned *)(p.chosen + at + j);
            const unsigned own = left + k <= right ? (row - r * p.stride) * p.window + column - c * p.stride : 256;
            for (int j = 0; j < WIDTH; j++)
                sum[j] += (chosen[j / 4] >> j % 4 * 8 & 255) == own ? part(g, j) : 0.0f;
        }
    }
    for (int j = 0; j < WIDTH; j++) sum[j] = rounded<NARROW>(sum[j]);
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
