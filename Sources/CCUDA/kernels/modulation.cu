// See include/kernels/modulation.h.
#include "../include/kernels/modulation.h"
#include "sums.cuh"
#include "vectors.cuh"

// MARK: Places

/// A place of x: its row, and its column where the phases of a position count as four columns.
struct phase_place {
    unsigned row, column;
};

HL_DEVICE phase_place phase_place_of(unsigned place, unsigned width) {
    phase_place result;
    result.row = place / width;
    result.column = place % width;
    return result;
}

/// The places of a thread, turn after turn.
struct phase_walk {
    unsigned next;
    phase_place place, step;
};

HL_DEVICE phase_walk walk_of_share(const channel_share &share, const hl_cuda_phase_shape &shape) {
    phase_walk walk;
    walk.next = share.first;
    walk.place = phase_place_of(share.first, 4 * shape.width);
    walk.step = phase_place_of(share.step, 4 * shape.width);
    return walk;
}

/// Nowhere: beyond the end of a thread's places, or where a phase begins later or ends earlier.
#define HL_NO_POSITION 0xffffffffu

/// Where in y the next place is.
HL_DEVICE unsigned next_position(phase_walk &walk, const channel_share &share, const hl_cuda_phase_shape &shape) {
    const unsigned place = walk.next;
    walk.next += share.step;
    if (!shape.phases) return place < share.end ? place : HL_NO_POSITION;
    const unsigned height = shape.height - shape.overlap, width = shape.width - shape.overlap;
    const unsigned p = walk.place.column >> 1 & 1, q = walk.place.column & 1;
    // Below 0 an unsigned number is beyond the border, too.
    const unsigned row = walk.place.row - shape.overlap * p, column = (walk.place.column >> 2) - shape.overlap * q;
    // Onwards without a division.
    walk.place.row += walk.step.row;
    walk.place.column += walk.step.column;
    if (walk.place.column >= 4 * shape.width) {
        walk.place.column -= 4 * shape.width;
        walk.place.row++;
    }
    if (place >= share.end || row >= height || column >= width) return HL_NO_POSITION;
    return (2 * row + p) * 2 * width + 2 * column + q;
}

HL_DEVICE unsigned count_of_places(const hl_cuda_phase_shape &shape) {
    return shape.height * shape.width * (shape.phases ? 4 : 1);
}

HL_DEVICE unsigned count_of_positions(const hl_cuda_phase_shape &shape) {
    if (!shape.phases) return shape.height * shape.width;
    return 4 * (shape.height - shape.overlap) * (shape.width - shape.overlap);
}

// MARK: Coefficients

template <int WIDTH>
struct channel_coefficients {
    float scale[WIDTH], shift[WIDTH], gain[WIDTH];
};

template <int WIDTH>
HL_DEVICE channel_coefficients<WIDTH> coefficients_of(const hl_cuda_coefficients &c, const channel_share &share) {
    channel_coefficients<WIDTH> result;
    // Who has no channels reads none.
    const bool any = share.end > 0;
    const unsigned long sample = share.sample, channel = share.channel;
    load_floats<WIDTH>(any ? c.scale : nullptr, sample * c.scale_step + channel, 1, result.scale);
    load_floats<WIDTH>(any ? c.shift : nullptr, sample * c.shift_step + channel, 0, result.shift);
    load_floats<WIDTH>(any ? c.gain : nullptr, sample * c.gain_step + channel, 1, result.gain);
    return result;
}

HL_DEVICE const float *noise_of(const hl_cuda_coefficients &c, const channel_share &share) {
    return c.noise ? c.noise + (unsigned long)share.sample * c.noise_step : nullptr;
}

// MARK: Modulation

template <bool NARROW, int WIDTH>
HL_DEVICE void modulate_share(const hl_cuda_modulate &a) {
    // So many loads are on their way at a time.
    enum { TURNS = 4 };
    const unsigned channels = a.shape.channels, places = count_of_places(a.shape);
    const channel_share share = share_of_channels(a.tiles, WIDTH, channels, places);
    const channel_coefficients<WIDTH> c = coefficients_of<WIDTH>(a.coefficients, share);
    const float *noise = noise_of(a.coefficients, share), limit = a.activation.clamp;
    const unsigned long source = (unsigned long)share.sample * places;
    const unsigned long target = (unsigned long)share.sample * count_of_positions(a.shape);
    phase_walk walk = walk_of_share(share, a.shape);
    for (unsigned place = share.first; place < share.end; place += TURNS * share.step) {
        packed_vector<NARROW, WIDTH> x[TURNS];
        unsigned position[TURNS];
#pragma unroll
        for (unsigned t = 0; t < TURNS; t++) {
            position[t] = next_position(walk, share, a.shape);
            if (position[t] == HL_NO_POSITION) continue;
            x[t] = load_packed<NARROW, WIDTH>(a.x.at, (source + place + t * share.step) * channels + share.channel);
        }
#pragma unroll
        for (unsigned t = 0; t < TURNS; t++) {
            if (position[t] == HL_NO_POSITION) continue;
            const float n = noise ? noise[position[t]] : 0;
            float y[WIDTH];
            for (int j = 0; j < WIDTH; j++) {
                const float u = part(x[t], j) * c.scale[j] + c.shift[j] + n;
                float v = (u > 0 ? u : u * a.activation.slope) * a.activation.gain;
                // Written so that a NaN stays one.
                v = v > limit ? limit : v;
                y[j] = (v < -limit ? -limit : v) * c.gain[j];
            }
            store_packed<NARROW, WIDTH>(a.y.at, (target + position[t]) * channels + share.channel, y);
        }
    }
}

HL_KERNEL(modulate) { HL_FOR_VECTORS(a.x.narrow, a.tiles.wide, modulate_share<NARROW, WIDTH>(a)); }

/// The gradients of a share, and its sums for scale, shift and gain in `memory`, as sum_of_rows wants them.
template <bool NARROW, int WIDTH>
HL_DEVICE void modulate_share_back(const hl_cuda_modulate_backward &a, float *memory) {
    enum { TURNS = 2 };
    const unsigned channels = a.shape.channels, places = count_of_places(a.shape);
    const channel_share share = share_of_channels(a.tiles, WIDTH, channels, places);
    const channel_coefficients<WIDTH> c = coefficients_of<WIDTH>(a.coefficients, share);
    const float *noise = noise_of(a.coefficients, share);
    const hl_cuda_activation act = a.activation;
    const unsigned long source = (unsigned long)share.sample * places;
    const unsigned long target = (unsigned long)share.sample * count_of_positions(a.shape);
    float sums[3][WIDTH];
    for (int k = 0; k < 3; k++)
        for (int j = 0; j < WIDTH; j++) sums[k][j] = 0;
    phase_walk walk = walk_of_share(share, a.shape);
    for (unsigned place = share.first; place < share.end; place += TURNS * share.step) {
        packed_vector<NARROW, WIDTH> x[TURNS], gradient[TURNS];
        unsigned position[TURNS];
#pragma unroll
        for (unsigned t = 0; t < TURNS; t++) {
            position[t] = next_position(walk, share, a.shape);
            if (position[t] == HL_NO_POSITION) continue;
            x[t] = load_packed<NARROW, WIDTH>(a.x.at, (source + place + t * share.step) * channels + share.channel);
            gradient[t] = load_packed<NARROW, WIDTH>(a.gradient.at, (target + position[t]) * channels + share.channel);
        }
#pragma unroll
        for (unsigned t = 0; t < TURNS; t++) {
            if (place + t * share.step >= share.end) continue;
            float d[WIDTH];
            if (position[t] == HL_NO_POSITION) {
                for (int j = 0; j < WIDTH; j++) d[j] = 0;
            } else {
                const float n = noise ? noise[position[t]] : 0;
                for (int j = 0; j < WIDTH; j++) {
                    const float value = part(x[t], j), g = part(gradient[t], j);
                    const float u = value * c.scale[j] + c.shift[j] + n;
                    const float v = (u > 0 ? u : u * act.slope) * act.gain;
                    const float kept = v > act.clamp ? act.clamp : v < -act.clamp ? -act.clamp : v;
                    const float slope = kept != v ? 0 : u > 0 ? act.gain : act.slope * act.gain;
                    const float e = g * c.gain[j] * slope;
                    sums[0][j] += e * value;
                    sums[1][j] += e;
                    sums[2][j] += g * kept;
                    d[j] = e * c.scale[j];
                }
            }
            store_packed<NARROW, WIDTH>(a.input_gradient.at,
                                        (source + place + t * share.step) * channels + share.channel, d);
        }
    }
    for (int k = 0; k < 3; k++)
        for (int j = 0; j < WIDTH; j++) memory[(k * WIDTH + j) * HL_CUDA_THREADS + threadIdx.x] = sums[k][j];
}

HL_KERNEL(modulate_backward) {
    HL_SHARED(float, memory, 3 * 8 * HL_CUDA_THREADS);
    HL_FOR_VECTORS(a.x.narrow, a.tiles.wide, modulate_share_back<NARROW, WIDTH>(a, memory));
    HL_BARRIER();
    const unsigned width = a.tiles.wide ? a.x.narrow ? 8 : 4 : 1, lanes = a.tiles.lanes;
    const channel_share share = share_of_channels(a.tiles, width, a.shape.channels, count_of_places(a.shape));
    const unsigned long target = ((unsigned long)share.sample * a.tiles.parts + share.part) * a.shape.channels;
    for (unsigned i = threadIdx.x; i < 3 * width * lanes; i += HL_CUDA_THREADS) {
        const unsigned value = i / lanes, lane = i % lanes, which = value / width;
        const unsigned channel = share.channel - share.lane * width + lane * width + value % width;
        if (channel >= a.shape.channels) continue;
        float *sums = which == 0 ? a.scale_sums : which == 1 ? a.shift_sums : a.gain_sums;
        sums[target + channel] = sum_of_rows(memory, value, lane, lanes);
    }
}

HL_KERNEL(add_channel_parts) {
    enum { COLUMNS = HL_CUDA_PART_COLUMNS, ROWS = HL_CUDA_THREADS / COLUMNS };
    HL_SHARED(double, memory, HL_CUDA_THREADS);
    const unsigned tiles = (a.inner + COLUMNS - 1) / COLUMNS, which = blockIdx.x / (tiles * a.outer);
    const unsigned tile = blockIdx.x % tiles, outer = blockIdx.x / tiles % a.outer;
    const unsigned lane = threadIdx.x % COLUMNS, row = threadIdx.x / COLUMNS, column = tile * COLUMNS + lane;
    const float *x = which == 0 ? a.x[0] : which == 1 ? a.x[1] : a.x[2];
    double sum = 0;
    if (column < a.inner)
        for (unsigned i = row; i < a.parts; i += ROWS)
            sum += x[((unsigned long)outer * a.parts + i) * a.inner + column];
    memory[threadIdx.x] = sum;
    HL_BARRIER();
    for (unsigned half = ROWS / 2; half; half >>= 1) {
        if (row < half) memory[threadIdx.x] += memory[threadIdx.x + half * COLUMNS];
        HL_BARRIER();
    }
    float *y = which == 0 ? a.y[0] : which == 1 ? a.y[1] : a.y[2];
    if (row == 0 && column < a.inner) y[(unsigned long)outer * a.inner + column] = (float)memory[lane];
}
