#include "hl_resize.h"

#include <string.h>

#include "clones.h"

enum { CHANNELS = 4 };

// A pixel's channels side by side: the compiler has vectors of this size on every machine that counts.
typedef uint8_t pixel __attribute__((vector_size(CHANNELS)));
typedef int32_t sums __attribute__((vector_size(4 * CHANNELS)));

HL_INLINE sums widened(const uint8_t *source) {
    pixel p;
    memcpy(&p, source, sizeof p);
    return __builtin_convertvector(p, sums);
}

static const int32_t half = 1 << (HL_RESIZE_FRACTION - 1);

HL_INLINE int32_t sample(int32_t sum) {
    int32_t v = sum >> HL_RESIZE_FRACTION;
    v = v > 0 ? v : 0;
    return v < 255 ? v : 255;
}

HL_CLONES void hl_resize_rows(hl_resize_taps taps, const uint8_t *pixels, size_t stride, size_t rows, uint8_t *out) {
    const size_t target = taps.count * CHANNELS;
    size_t row = 0;
    // Four rows at a time: their sums do not wait for each other, and weights are loaded once.
    for (; row + 4 <= rows; row += 4) {
        const uint8_t *source = pixels + row * stride;
        uint8_t *to = out + row * target;
        for (size_t x = 0; x < taps.count; x++) {
            const uint8_t *s = source + CHANNELS * (size_t)taps.starts[x];
            const int32_t *w = taps.weights + x * taps.most;
            sums a = {half, half, half, half}, b = a, c = a, d = a;
            for (int32_t k = 0; k < taps.counts[x]; k++, s += CHANNELS) {
                const sums weight = {w[k], w[k], w[k], w[k]};
                a += widened(s) * weight;
                b += widened(s + stride) * weight;
                c += widened(s + 2 * stride) * weight;
                d += widened(s + 3 * stride) * weight;
            }
            for (int channel = 0; channel < CHANNELS; channel++) {
                uint8_t *t = to + CHANNELS * x + channel;
                t[0] = (uint8_t)sample(a[channel]);
                t[target] = (uint8_t)sample(b[channel]);
                t[2 * target] = (uint8_t)sample(c[channel]);
                t[3 * target] = (uint8_t)sample(d[channel]);
            }
        }
    }
    for (; row < rows; row++)
        for (size_t x = 0; x < taps.count; x++) {
            const uint8_t *s = pixels + row * stride + CHANNELS * (size_t)taps.starts[x];
            const int32_t *w = taps.weights + x * taps.most;
            sums a = {half, half, half, half};
            for (int32_t k = 0; k < taps.counts[x]; k++, s += CHANNELS) {
                const sums weight = {w[k], w[k], w[k], w[k]};
                a += widened(s) * weight;
            }
            for (int channel = 0; channel < CHANNELS; channel++)
                out[row * target + CHANNELS * x + (size_t)channel] = (uint8_t)sample(a[channel]);
        }
}

HL_CLONES static void add_row(const uint8_t *restrict row, int32_t weight, size_t n, int32_t *restrict sums) {
    for (size_t i = 0; i < n; i++) sums[i] += row[i] * weight;
}

HL_CLONES static void round_row(const int32_t *restrict sums, size_t n, uint8_t *restrict line) {
    for (size_t i = 0; i < n; i++) line[i] = (uint8_t)sample(sums[i]);
}

void hl_resize_columns(hl_resize_taps taps, const uint8_t *pixels, size_t width, int mirrored, int32_t *sums,
                       uint8_t *line, uint8_t *out, size_t plane) {
    const size_t n = width * CHANNELS;
    for (size_t y = 0; y < taps.count; y++) {
        const uint8_t *source = pixels + (size_t)taps.starts[y] * n;
        for (size_t i = 0; i < n; i++) sums[i] = half;
        for (int32_t k = 0; k < taps.counts[y]; k++)
            add_row(source + (size_t)k * n, taps.weights[y * taps.most + (size_t)k], n, sums);
        round_row(sums, n, line);
        hl_separate_planes(line, width, mirrored, out + y * width, plane);
    }
}

HL_CLONES static void interleave(const uint8_t *restrict r, const uint8_t *restrict g, const uint8_t *restrict b,
                                 size_t n, uint8_t *restrict out) {
    for (size_t i = 0; i < n; i++) {
        out[CHANNELS * i] = r[i];
        out[CHANNELS * i + 1] = g[i];
        out[CHANNELS * i + 2] = b[i];
        out[CHANNELS * i + 3] = 0;
    }
}

void hl_interleave_planes(const uint8_t *planes, size_t plane, size_t stride, size_t width, size_t rows, uint8_t *out) {
    for (size_t y = 0; y < rows; y++) {
        const uint8_t *r = planes + y * stride;
        interleave(r, r + plane, r + 2 * plane, width, out + y * width * CHANNELS);
    }
}

HL_CLONES static void separate(const uint8_t *restrict pixels, size_t n, uint8_t *restrict r, uint8_t *restrict g,
                               uint8_t *restrict b) {
    for (size_t i = 0; i < n; i++) {
        r[i] = pixels[CHANNELS * i];
        g[i] = pixels[CHANNELS * i + 1];
        b[i] = pixels[CHANNELS * i + 2];
    }
}

HL_CLONES static void separate_mirrored(const uint8_t *restrict pixels, size_t n, uint8_t *restrict r,
                                        uint8_t *restrict g, uint8_t *restrict b) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = pixels + CHANNELS * (n - 1 - i);
        r[i] = p[0];
        g[i] = p[1];
        b[i] = p[2];
    }
}

void hl_separate_planes(const uint8_t *pixels, size_t count, int mirrored, uint8_t *out, size_t plane) {
    if (mirrored)
        separate_mirrored(pixels, count, out, out + plane, out + 2 * plane);
    else
        separate(pixels, count, out, out + plane, out + 2 * plane);
}
