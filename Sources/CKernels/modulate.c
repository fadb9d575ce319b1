#include "hl_modulate.h"

#include "blocks.h"
#include "clones.h"
#include "values.h"

typedef struct {
    const float *scale, *shift, *gain;
} coefficients;

HL_INLINE float activated(float u, hl_activation a) {
    float v = (u > 0 ? u : u * a.slope) * a.gain;
    // Written so that a NaN stays one.
    v = v > a.clamp ? a.clamp : v;
    return v < -a.clamp ? -a.clamp : v;
}

// One line of positions: x lies without gaps, y with `step` positions from one to the next.
HL_INLINE void line_forward(const void *x, void *y, const float *noise, size_t count, size_t step, size_t block,
                            coefficients c, hl_activation a, int narrow) {
    for (size_t i = 0; i < count; i++) {
        const float n = noise ? noise[i * step] : 0;
        for (size_t j = 0; j < block; j++) {
            const float u = loaded(x, i * block + j, narrow) * c.scale[j] + c.shift[j] + n;
            store(y, i * step * block + j, activated(u, a) * c.gain[j], narrow);
        }
    }
}

// A line's way back; `sums` holds 3 * block values: those of scale, shift and gain.
HL_INLINE void line_backward(const void *x, const void *gradient, const float *noise, void *input_gradient,
                             size_t count, size_t step, size_t block, coefficients c, hl_activation a, float *sums,
                             int narrow) {
    for (size_t i = 0; i < count; i++) {
        const float n = noise ? noise[i * step] : 0;
        for (size_t j = 0; j < block; j++) {
            const float value = loaded(x, i * block + j, narrow), g = loaded(gradient, i * step * block + j, narrow);
            const float u = value * c.scale[j] + c.shift[j] + n;
            const float v = (u > 0 ? u : u * a.slope) * a.gain;
            const float kept = v > a.clamp ? a.clamp : v < -a.clamp ? -a.clamp : v;
            const float slope = kept != v ? 0 : u > 0 ? a.gain : a.slope * a.gain;
            const float d = g * c.gain[j] * slope;
            store(input_gradient, i * block + j, d * c.scale[j], narrow);
            sums[j] += d * value;
            sums[block + j] += d;
            sums[2 * block + j] += g * kept;
        }
    }
}

// Where line `part` of a row lies: the whole row, or its even or odd positions.
typedef struct {
    size_t source, target, count, step;
} line;

HL_INLINE line line_of(const hl_modulation *m, size_t row, size_t part) {
    if (!m->phases) return (line){row * m->width, row * m->width, m->width, 1};
    const size_t half = m->width / 2, pitch = half + m->overlap;
    const size_t height = m->out.positions / m->width / 2 + m->overlap;
    const size_t phase = 2 * (row & 1) + part;
    const size_t plane = phase * m->out.blocks * height * pitch;
    return (line){plane + (row / 2 + m->overlap * (row & 1)) * pitch + m->overlap * part, row * m->width + part, half,
                  2};
}

// Where the block of a task begins in x, in positions.
HL_INLINE size_t source_start(const hl_modulation *m, size_t sample, size_t which) {
    if (!m->phases) return (sample * m->out.blocks + which) * m->out.positions;
    const size_t plane = (m->width / 2 + m->overlap) * (m->out.positions / m->width / 2 + m->overlap);
    return (sample * 4 * m->out.blocks + which) * plane;
}

HL_INLINE void forward_block(const hl_modulation *m, size_t sample, size_t which, const void *x, void *y, size_t block,
                             coefficients c, int narrow) {
    x = from(x, source_start(m, sample, which) * block, narrow);
    y = into(y, (sample * m->out.blocks + which) * m->out.positions * block, narrow);
    const float *noise = m->noise ? m->noise + sample * m->noise_stride : NULL;
    const size_t rows = m->out.positions / m->width, parts = m->phases ? 2 : 1;
    for (size_t row = 0; row < rows; row++)
        for (size_t part = 0; part < parts; part++) {
            const line l = line_of(m, row, part);
            line_forward(from(x, l.source * block, narrow), into(y, l.target * block, narrow),
                         noise ? noise + l.target : NULL, l.count, l.step, block, c, m->activation, narrow);
        }
}

HL_INLINE void backward_block(const hl_modulation *m, size_t sample, size_t which, const void *x, const void *gradient,
                              void *input_gradient, size_t block, coefficients c, float *sums, double *totals,
                              int narrow) {
    const size_t start = source_start(m, sample, which) * block;
    gradient = from(gradient, (sample * m->out.blocks + which) * m->out.positions * block, narrow);
    const float *noise = m->noise ? m->noise + sample * m->noise_stride : NULL;
    const size_t rows = m->out.positions / m->width, parts = m->phases ? 2 : 1;
    for (size_t j = 0; j < 3 * block; j++) totals[j] = 0;
    for (size_t row = 0; row < rows; row++) {
        // Sums run in float along a row only.
        for (size_t j = 0; j < 3 * block; j++) sums[j] = 0;
        for (size_t part = 0; part < parts; part++) {
            const line l = line_of(m, row, part);
            const size_t at = start + l.source * block;
            line_backward(from(x, at, narrow), from(gradient, l.target * block, narrow),
                          noise ? noise + l.target : NULL, into(input_gradient, at, narrow), l.count, l.step, block, c,
                          m->activation, sums, narrow);
        }
        for (size_t j = 0; j < 3 * block; j++) totals[j] += sums[j];
    }
}

static void fill(float *target, const float *source, size_t count, float otherwise) {
    for (size_t j = 0; j < count; j++) target[j] = source ? source[j] : otherwise;
}

// The coefficients of one block: `space` holds 3 * block floats.
static coefficients coefficients_of(const hl_modulation *m, size_t sample, size_t which, float *space) {
    const size_t block = m->out.block, at = which * block;
    fill(space, m->scale ? m->scale + sample * m->scale_stride + at : NULL, block, 1);
    fill(space + block, m->shift ? m->shift + sample * m->shift_stride + at : NULL, block, 0);
    fill(space + 2 * block, m->gain ? m->gain + sample * m->gain_stride + at : NULL, block, 1);
    return (coefficients){space, space + block, space + 2 * block};
}

// Blocks of activations fit; matrices, whose block is a whole row, are cut into pieces of this size.
enum { LIMIT = 16 };

// A piece of a matrix's row as planes of their own.
static hl_modulation piece_of(const hl_modulation *m, size_t sample, size_t first) {
    hl_modulation piece = *m;
    const size_t row = m->out.block;
    piece.out.samples = 1;
    piece.out.block = row - first < LIMIT ? row - first : LIMIT;
    if (m->scale) piece.scale += sample * m->scale_stride + first;
    if (m->shift) piece.shift += sample * m->shift_stride + first;
    if (m->gain) piece.gain += sample * m->gain_stride + first;
    if (m->noise) piece.noise += sample * m->noise_stride;
    return piece;
}

HL_CLONES void hl_modulate(const hl_modulation *m, size_t task, const void *x, void *y) {
    HL_ALIGNED float space[3 * LIMIT];
    const size_t sample = task / m->out.blocks, which = task % m->out.blocks, block = m->out.block;
    if (block > LIMIT) {
        for (size_t first = 0; first < block; first += LIMIT) {
            const hl_modulation piece = piece_of(m, sample, first);
            const coefficients c = coefficients_of(&piece, 0, 0, space);
            const size_t at = sample * block + first;
            HL_FOR_VALUES(m->out.narrow, forward_block(&piece, 0, 0, from(x, at, NARROW), into(y, at, NARROW),
                                                       piece.out.block, c, NARROW));
        }
        return;
    }
    const coefficients c = coefficients_of(m, sample, which, space);
    HL_FOR_VALUES(m->out.narrow,
                  HL_FOR_BLOCK(16 | 8 | 1, block, forward_block(m, sample, which, x, y, BLOCK, c, NARROW)));
}

static void keep(float *target, size_t at, const double *totals, size_t block) {
    if (target)
        for (size_t j = 0; j < block; j++) target[at + j] = (float)totals[j];
}

HL_CLONES void hl_modulate_backward(const hl_modulation *m, size_t task, const void *x, const void *gradient,
                                    void *input_gradient, float *scale_gradient, float *shift_gradient,
                                    float *gain_gradient) {
    HL_ALIGNED float space[3 * LIMIT], sums[3 * LIMIT];
    double totals[3 * LIMIT];
    const size_t sample = task / m->out.blocks, which = task % m->out.blocks, block = m->out.block;
    const size_t at = sample * m->out.blocks * block + which * block;
    if (block > LIMIT) {
        for (size_t first = 0; first < block; first += LIMIT) {
            const hl_modulation piece = piece_of(m, sample, first);
            const coefficients c = coefficients_of(&piece, 0, 0, space);
            const size_t start = sample * block + first, size = piece.out.block;
            HL_FOR_VALUES(m->out.narrow,
                          backward_block(&piece, 0, 0, from(x, start, NARROW), from(gradient, start, NARROW),
                                         into(input_gradient, start, NARROW), size, c, sums, totals, NARROW));
            keep(scale_gradient, start, totals, size);
            keep(shift_gradient, start, totals + size, size);
            keep(gain_gradient, start, totals + 2 * size, size);
        }
        return;
    }
    const coefficients c = coefficients_of(m, sample, which, space);
    HL_FOR_VALUES(m->out.narrow, HL_FOR_BLOCK(16 | 8 | 1, block,
                                              backward_block(m, sample, which, x, gradient, input_gradient, BLOCK, c,
                                                             sums, totals, NARROW)));
    keep(scale_gradient, at, totals, block);
    keep(shift_gradient, at, totals + block, block);
    keep(gain_gradient, at, totals + 2 * block, block);
}
