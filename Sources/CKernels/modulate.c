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

// A line of positions: where it begins in a block of x and of y, in values, its length, and the values from one of its positions
// in y to the next; and where it begins among the positions of y, and how many lie from one to the next.
typedef struct {
    size_t source, target, count, target_step, place, stride;
} line;

HL_INLINE void line_forward(const void *x, void *y, const float *noise, line l, size_t block, size_t source_step,
                            coefficients c, hl_activation a, int narrow) {
    for (size_t i = 0; i < l.count; i++) {
        const float n = noise ? noise[i * l.stride] : 0;
        for (size_t j = 0; j < block; j++) {
            const float u = loaded(x, i * source_step + j, narrow) * c.scale[j] + c.shift[j] + n;
            store(y, i * l.target_step + j, activated(u, a) * c.gain[j], narrow);
        }
    }
}

// Coefficients and sums of a block; channels last are cut into blocks no larger than this, and matrices, whose block is a whole
// row, here.
enum { LIMIT = 64 };

// A line's way back; `sums` holds 3 * LIMIT values: those of scale, shift and gain.
HL_INLINE void line_backward(const void *x, const void *gradient, const float *noise, void *input_gradient, line l,
                             size_t block, size_t source_step, coefficients c, hl_activation a, float *sums,
                             int narrow) {
    for (size_t i = 0; i < l.count; i++) {
        const float n = noise ? noise[i * l.stride] : 0;
        for (size_t j = 0; j < block; j++) {
            const float value = loaded(x, i * source_step + j, narrow);
            const float g = loaded(gradient, i * l.target_step + j, narrow);
            const float u = value * c.scale[j] + c.shift[j] + n;
            const float v = (u > 0 ? u : u * a.slope) * a.gain;
            const float kept = v > a.clamp ? a.clamp : v < -a.clamp ? -a.clamp : v;
            const float slope = kept != v ? 0 : u > 0 ? a.gain : a.slope * a.gain;
            const float d = g * c.gain[j] * slope;
            store(input_gradient, i * source_step + j, d * c.scale[j], narrow);
            sums[j] += d * value;
            sums[LIMIT + j] += d;
            sums[2 * LIMIT + j] += g * kept;
        }
    }
}

// Line `part` of a row: the whole row, or its even or odd positions.
HL_INLINE line line_of(const hl_modulation *m, size_t row, size_t part) {
    const size_t step = m->out.step, start = row * m->width;
    if (!m->phases) return (line){start * step, start * step, m->width, step, start, 1};
    const size_t half = m->width / 2, pitch = half + m->overlap;
    const size_t height = m->out.positions / m->width / 2 + m->overlap;
    const size_t phase = 2 * (row & 1) + part;
    const size_t place = (row / 2 + m->overlap * (row & 1)) * pitch + m->overlap * part;
    // The channels of a phase lie behind those of the one before: at each position, or as planes.
    const size_t before = m->source_step == step ? phase * m->out.blocks * height * pitch : phase;
    return (line){before * step + place * m->source_step, (start + part) * step, half, 2 * step, start + part, 2};
}

// Where the block of a task begins in x, in values.
HL_INLINE size_t source_start(const hl_modulation *m, size_t sample, size_t which) {
    if (!m->phases) return start_of(m->out, sample, which);
    hl_planes planes = m->out;
    planes.blocks *= 4;
    planes.positions = (m->width / 2 + m->overlap) * (m->out.positions / m->width / 2 + m->overlap);
    return start_of(planes, sample, which);
}

HL_INLINE coefficients from_channel(coefficients c, size_t channel) {
    return (coefficients){c.scale + channel, c.shift + channel, c.gain + channel};
}

// The channels `first` ..< first + block of block `which`, whose coefficients are c.
typedef struct {
    size_t sample, which, first;
    coefficients c;
} share;

HL_INLINE void forward_block(const hl_modulation *m, share s, const void *x, void *y, size_t block, size_t lanes,
                             size_t source_step, int narrow) {
    x = from(x, source_start(m, s.sample, s.which) + s.first, narrow);
    y = into(y, start_of(m->out, s.sample, s.which) + s.first, narrow);
    const float *noise = m->noise ? m->noise + s.sample * m->noise_stride : NULL;
    const size_t rows = m->out.positions / m->width, parts = m->phases ? 2 : 1;
    for (size_t row = 0; row < rows; row++)
        for (size_t part = 0; part < parts; part++) {
            const line l = line_of(m, row, part);
            const float *n = noise ? noise + l.place : NULL;
            size_t c = 0;
            for (; c + lanes <= block; c += lanes)
                line_forward(from(x, l.source + c, narrow), into(y, l.target + c, narrow), n, l, lanes, source_step,
                             from_channel(s.c, c), m->activation, narrow);
            if (c < block)
                line_forward(from(x, l.source + c, narrow), into(y, l.target + c, narrow), n, l, block - c, source_step,
                             from_channel(s.c, c), m->activation, narrow);
        }
}

HL_INLINE void backward_block(const hl_modulation *m, share s, const void *x, const void *gradient,
                              void *input_gradient, size_t block, size_t lanes, size_t source_step, float *sums,
                              double *totals, int narrow) {
    const size_t start = source_start(m, s.sample, s.which) + s.first;
    gradient = from(gradient, start_of(m->out, s.sample, s.which) + s.first, narrow);
    const float *noise = m->noise ? m->noise + s.sample * m->noise_stride : NULL;
    const size_t rows = m->out.positions / m->width, parts = m->phases ? 2 : 1;
    for (size_t k = 0; k < 3; k++)
        for (size_t j = 0; j < block; j++) totals[k * LIMIT + j] = 0;
    for (size_t row = 0; row < rows; row++) {
        // Sums run in float along a row only.
        for (size_t k = 0; k < 3; k++)
            for (size_t j = 0; j < block; j++) sums[k * LIMIT + j] = 0;
        for (size_t part = 0; part < parts; part++) {
            const line l = line_of(m, row, part);
            const float *n = noise ? noise + l.place : NULL;
            size_t c = 0;
            for (; c + lanes <= block; c += lanes)
                line_backward(from(x, start + l.source + c, narrow), from(gradient, l.target + c, narrow), n,
                              into(input_gradient, start + l.source + c, narrow), l, lanes, source_step,
                              from_channel(s.c, c), m->activation, sums + c, narrow);
            if (c < block)
                line_backward(from(x, start + l.source + c, narrow), from(gradient, l.target + c, narrow), n,
                              into(input_gradient, start + l.source + c, narrow), l, block - c, source_step,
                              from_channel(s.c, c), m->activation, sums + c, narrow);
        }
        for (size_t k = 0; k < 3; k++)
            for (size_t j = 0; j < block; j++) totals[k * LIMIT + j] += sums[k * LIMIT + j];
    }
}

static void fill(float *target, const float *source, size_t count, float otherwise) {
    for (size_t j = 0; j < count; j++) target[j] = source ? source[j] : otherwise;
}

// Channels `first` ..< first + size of block `which`; `space` holds 3 * LIMIT floats for their coefficients.
static share share_of(const hl_modulation *m, size_t task, size_t first, size_t size, float *space) {
    const size_t sample = task / m->out.blocks, which = task % m->out.blocks, at = which * m->out.block + first;
    fill(space, m->scale ? m->scale + sample * m->scale_stride + at : NULL, size, 1);
    fill(space + LIMIT, m->shift ? m->shift + sample * m->shift_stride + at : NULL, size, 0);
    fill(space + 2 * LIMIT, m->gain ? m->gain + sample * m->gain_stride + at : NULL, size, 1);
    return (share){sample, which, first, {space, space + LIMIT, space + 2 * LIMIT}};
}

HL_CLONES void hl_modulate(const hl_modulation *m, size_t task, const void *x, void *y) {
    HL_ALIGNED float space[3 * LIMIT];
    const size_t block = m->out.block;
    for (size_t first = 0; first < block; first += LIMIT) {
        const size_t size = block - first < LIMIT ? block - first : LIMIT;
        const share s = share_of(m, task, first, size, space);
        HL_FOR_VALUES(m->out.narrow,
                      HL_FOR_BLOCK(size, m->source_step, forward_block(m, s, x, y, BLOCK, LANES, STEP, NARROW)));
    }
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
    const size_t block = m->out.block;
    for (size_t first = 0; first < block; first += LIMIT) {
        const size_t size = block - first < LIMIT ? block - first : LIMIT, at = task * block + first;
        const share s = share_of(m, task, first, size, space);
        HL_FOR_VALUES(m->out.narrow, HL_FOR_BLOCK(size, m->source_step,
                                                  backward_block(m, s, x, gradient, input_gradient, BLOCK, LANES, STEP,
                                                                 sums, totals, NARROW)));
        keep(scale_gradient, at, totals, size);
        keep(shift_gradient, at, totals + LIMIT, size);
        keep(gain_gradient, at, totals + 2 * LIMIT, size);
    }
}
