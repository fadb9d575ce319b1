// See include/kernels/sides.h.
#include "../include/kernels/sides.h"
#include "vectors.cuh"
#include "values.cuh"

// MARK: Squares of 2 x 2

/// Where the square of a vector of small lies in large, in vectors: its first row and column.
HL_DEVICE unsigned long square_start(const hl_cuda_upsample &a, unsigned i) {
    const unsigned channel = i % a.channels, position = i / a.channels;
    // Rows of all samples, one below the other.
    const unsigned column = position % a.width, row = position / a.width;
    return (4ul * row * a.width + 2 * column) * a.channels + channel;
}

/// Where value k of a square lies behind the first, in vectors.
HL_DEVICE unsigned long square_step(const hl_cuda_upsample &a, unsigned k) {
    return ((k & 1) + 2ul * (k >> 1) * a.width) * a.channels;
}

template <bool NARROW, int WIDTH>
HL_DEVICE void upsample_all(const hl_cuda_upsample &a) {
    HL_FOR_EACH(i, a.count) {
        const packed_vector<NARROW, WIDTH> x = load_packed<NARROW, WIDTH>(a.small.at, (unsigned long)i * WIDTH);
        const unsigned long start = square_start(a, i);
        float y[WIDTH];
        for (int j = 0; j < WIDTH; j++) y[j] = part(x, j);
        for (unsigned k = 0; k < 4; k++)
            store_packed<NARROW, WIDTH>(a.large.at, (start + square_step(a, k)) * WIDTH, y);
    }
}

HL_KERNEL(upsample) { HL_FOR_VECTORS(a.small.narrow, a.wide, upsample_all<NARROW, WIDTH>(a)); }

template <bool NARROW, int WIDTH>
HL_DEVICE void add_all_upsampled(const hl_cuda_upsample &a) {
    HL_FOR_EACH(i, a.count) {
        const packed_vector<NARROW, WIDTH> x = load_packed<NARROW, WIDTH>(a.small.at, (unsigned long)i * WIDTH);
        const unsigned long start = square_start(a, i);
        packed_vector<NARROW, WIDTH> square[4];
#pragma unroll
        for (unsigned k = 0; k < 4; k++)
            square[k] = load_packed<NARROW, WIDTH>(a.large.at, (start + square_step(a, k)) * WIDTH);
#pragma unroll
        for (unsigned k = 0; k < 4; k++) {
            float y[WIDTH];
            for (int j = 0; j < WIDTH; j++) y[j] = part(square[k], j) + part(x, j);
            store_packed<NARROW, WIDTH>(a.large.at, (start + square_step(a, k)) * WIDTH, y);
        }
    }
}

HL_KERNEL(add_upsampled) { HL_FOR_VECTORS(a.small.narrow, a.wide, add_all_upsampled<NARROW, WIDTH>(a)); }

template <bool NARROW, int WIDTH>
HL_DEVICE void sum_all_squares(const hl_cuda_upsample &a) {
    HL_FOR_EACH(i, a.count) {
        const unsigned long start = square_start(a, i);
        packed_vector<NARROW, WIDTH> square[4];
#pragma unroll
        for (unsigned k = 0; k < 4; k++)
            square[k] = load_packed<NARROW, WIDTH>(a.large.at, (start + square_step(a, k)) * WIDTH);
        float y[WIDTH];
        for (int j = 0; j < WIDTH; j++)
            y[j] = (part(square[0], j) + part(square[1], j)) + (part(square[2], j) + part(square[3], j));
        store_packed<NARROW, WIDTH>(a.small.at, (unsigned long)i * WIDTH, y);
    }
}

HL_KERNEL(sum_squares) { HL_FOR_VECTORS(a.small.narrow, a.wide, sum_all_squares<NARROW, WIDTH>(a)); }

// MARK: Filters of inserted zeros: images of three channels, value by value

/// A value of small: its channel, and its row and column in its sample.
struct filter_place {
    unsigned channel, column, row, sample;
};

HL_DEVICE filter_place place_in_small(const hl_cuda_filter_upsampled &a, unsigned i) {
    const unsigned position = i / a.channels, line = position / a.width;
    filter_place place;
    place.channel = i % a.channels;
    place.column = position % a.width;
    place.row = line % a.height;
    place.sample = line / a.height;
    return place;
}

HL_KERNEL(filter_upsampled) {
    HL_FOR_EACH(i, a.count) {
        const filter_place at = place_in_small(a, i);
        // The value and its neighbours, 0 beyond the border. Below 0 an unsigned number is beyond it, too.
        float x[3][3];
#pragma unroll
        for (unsigned r = 0; r < 3; r++)
#pragma unroll
            for (unsigned c = 0; c < 3; c++) {
                const unsigned row = at.row + r - 1, column = at.column + c - 1;
                const unsigned long line = (unsigned long)at.sample * a.height + row;
                x[r][c] = row < a.height && column < a.width
                              ? load(a.small, (line * a.width + column) * a.channels + at.channel)
                              : 0;
            }
#pragma unroll
        for (unsigned k = 0; k < 4; k++) {
            const unsigned p = k >> 1, q = k & 1;
            float sum = 0;
#pragma unroll
            for (unsigned t = 0; t < 4; t++) sum += x[p + (t >> 1)][q + (t & 1)] * a.taps[4 * k + t];
            const unsigned long line = 2 * ((unsigned long)at.sample * a.height + at.row) + p;
            store(a.large, (line * 2 * a.width + 2 * at.column + q) * a.channels + at.channel, sum);
        }
    }
}

HL_KERNEL(filter_upsampled_backward) {
    HL_FOR_EACH(i, a.count) {
        const filter_place at = place_in_small(a, i);
        float sum = 0;
        // Row i went into the rows 2i - 1 ... 2i + 2 of large, odd and even ones in turns, into the first two of these
        // as their later row, into the others as their earlier one; so did columns.
#pragma unroll
        for (unsigned r = 0; r < 4; r++)
#pragma unroll
            for (unsigned c = 0; c < 4; c++) {
                const unsigned row = 2 * at.row + r - 1, column = 2 * at.column + c - 1;
                const unsigned p = ~r & 1, q = ~c & 1, later = r < 2, further = c < 2;
                if (row >= 2 * a.height || column >= 2 * a.width) continue;
                const unsigned long line = 2ul * at.sample * a.height + row;
                const float g = load(a.large, (line * 2 * a.width + column) * a.channels + at.channel);
                sum += g * a.taps[((p * 2 + q) * 2 + later) * 2 + further];
            }
        store(a.small, i, sum);
    }
}

// MARK: Filters of four taps

template <bool NARROW, int WIDTH>
HL_DEVICE void filter_all(const hl_cuda_filter &a) {
    HL_FOR_EACH(i, a.count) {
        const unsigned channel = i % a.channels, rest = i / a.channels;
        const unsigned first = rest % a.runs * 4, line = rest / a.runs;
        const unsigned row = line % a.out_side, sample = line / a.out_side;
        // Sums down the last four columns.
        float sums[4][WIDTH];
#pragma unroll
        for (unsigned step = 0; step < 7; step++) {
            const unsigned last = step & 3, column = first + step - a.offset;
            for (int j = 0; j < WIDTH; j++) sums[last][j] = 0;
#pragma unroll
            for (unsigned k = 0; k < 4; k++) {
                const unsigned source = row + k - a.offset;
                // Below 0 an unsigned number is beyond the border, too.
                if (source >= a.side || column >= a.side) continue;
                const unsigned long position = ((unsigned long)sample * a.side + source) * a.side + column;
                const packed_vector<NARROW, WIDTH> x =
                    load_packed<NARROW, WIDTH>(a.x.at, (position * a.channels + channel) * WIDTH);
                for (int j = 0; j < WIDTH; j++) sums[last][j] += a.taps[k] * part(x, j);
            }
            if (step < 3 || first + step - 3 >= a.out_side) continue;
            float y[WIDTH];
            for (int j = 0; j < WIDTH; j++)
                y[j] = (a.taps[0] * sums[(step + 1) & 3][j] + a.taps[1] * sums[(step + 2) & 3][j]) +
                       (a.taps[2] * sums[(step + 3) & 3][j] + a.taps[3] * sums[last][j]);
            const unsigned long position = (unsigned long)line * a.out_side + first + step - 3;
            store_packed<NARROW, WIDTH>(a.y.at, (position * a.channels + channel) * WIDTH, y);
        }
    }
}

HL_KERNEL(filter) { HL_FOR_VECTORS(a.x.narrow, a.wide, filter_all<NARROW, WIDTH>(a)); }

// MARK: Any linear map along a side

template <bool NARROW, int WIDTH>
HL_DEVICE void resample_all(const hl_cuda_resample &a) {
    HL_FOR_EACH(i, a.count) {
        const unsigned inner = i % a.inner, rest = i / a.inner, output = rest % a.outputs, outer = rest / a.outputs;
        const unsigned start = (unsigned)a.starts[output], count = (unsigned)a.counts[output];
        const float *weights = a.weights + (unsigned long)output * a.most;
        const unsigned long line = (unsigned long)outer * a.inputs + start;
        float sum[WIDTH];
        for (int j = 0; j < WIDTH; j++) sum[j] = 0;
        for (unsigned k = 0; k < count; k++) {
            const packed_vector<NARROW, WIDTH> x =
                load_packed<NARROW, WIDTH>(a.x.at, ((line + k) * a.inner + inner) * WIDTH);
            for (int j = 0; j < WIDTH; j++) sum[j] += weights[k] * part(x, j);
        }
        store_packed<NARROW, WIDTH>(a.y.at, (unsigned long)i * WIDTH, sum);
    }
}

HL_KERNEL(resample) { HL_FOR_VECTORS(a.x.narrow, a.wide, resample_all<NARROW, WIDTH>(a)); }
