// Windows of pooling, whose geometry `p` has as in pooling.h, there and back.
#pragma once
#include "vectors.cuh"

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
            const unsigned long at = ((unsigned long)((sample * p.rows + r) * p.columns) + c) * channels + channel;
            const packed_vector<NARROW, WIDTH> g = load_packed<NARROW, WIDTH>(p.gradient.at, at);
            unsigned chosen[WIDTH == 8 ? 2 : 1];
            if constexpr (WIDTH == 1)
                chosen[0] = p.chosen[at];
            else
                for (int j = 0; j < WIDTH; j += 4) chosen[j / 4] = *(const unsigned *)(p.chosen + at + j);
            const unsigned own = left + k <= right ? (row - r * p.stride) * p.window + column - c * p.stride : 256;
            for (int j = 0; j < WIDTH; j++) sum[j] += (chosen[j / 4] >> j % 4 * 8 & 255) == own ? part(g, j) : 0.0f;
        }
    }
    for (int j = 0; j < WIDTH; j++) sum[j] = rounded<NARROW>(sum[j]);
}
