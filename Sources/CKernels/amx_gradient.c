// Gradients of the kernels of a convolution: products of lines of its input with lines of its output's gradient, whose positions
// they sum over.
#include "amx.h"

// Values of one line of 32 channels of x, all groups.
static size_t line_values(const hl_amx_gradient *g) { return g->groups * g->pitch * WIDTH; }

size_t hl_amx_input_count(const hl_amx_gradient *g) {
    return rounded_up(g->kernel.inputs, WIDTH) / WIDTH * g->phases * g->versions * line_values(g);
}

size_t hl_amx_output_count(const hl_amx_gradient *g) {
    return rounded_up(g->kernel.outputs, WIDTH) * g->groups * g->length;
}

size_t hl_amx_part_count(const hl_amx_gradient *g) {
    return rounded_up(g->kernel.inputs, WIDTH) / WIDTH * g->kernel.taps * rounded_up(g->kernel.outputs, WIDTH) / WIDTH;
}

#ifdef HL_AMX
// 32 channels of a position, of which `mask` are there, or zeros.
HL_AMX_INLINE __m512i values_at(int32_t place, __mmask32 mask, const uint16_t *from, size_t step) {
    return place < 0 ? _mm512_setzero_si512() : _mm512_maskz_loadu_epi16(mask, from + (size_t)place * step);
}

HL_AMX_INLINE void store_pair(uint16_t *line, size_t pair, __m512i even, __m512i odd) {
    _mm512_storeu_si512(line + pair * 2 * WIDTH, in_turns(even, odd, 0));
    _mm512_storeu_si512(line + pair * 2 * WIDTH + WIDTH, in_turns(even, odd, 1));
}

// [inputs / 32][phases][versions][groups][pitch / 2][32][2].
HL_AMX void hl_amx_pack_input(const hl_amx_gradient *g, size_t first, size_t last, const uint16_t *x, uint16_t *lines) {
    for (size_t task = first; task < last; task++) {
        const size_t group = task % g->groups, inputs = task / g->groups, channel = inputs * WIDTH;
        const __mmask32 mask = first_of(g->kernel.inputs - channel);
        const uint16_t *from = x + group * g->input_positions * g->step + channel;
        for (size_t phase = 0; phase < g->phases; phase++) {
            const int32_t *places = g->inputs + phase * (g->pitch + 1);
            uint16_t *even =
                lines + (inputs * g->phases + phase) * g->versions * line_values(g) + group * g->pitch * WIDTH;
            uint16_t *odd = even + line_values(g);
            __m512i here = values_at(places[0], mask, from, g->step);
            for (size_t i = 0; i < g->pitch; i += 2) {
                const __m512i next = values_at(places[i + 1], mask, from, g->step);
                store_pair(even, i / 2, here, next);
                here = values_at(places[i + 2], mask, from, g->step);
                if (g->versions > 1) store_pair(odd, i / 2, next, here);
            }
        }
    }
}

// [outputs / 16][groups][length / 32][16][32].
HL_AMX void hl_amx_pack_gradient(const hl_amx_gradient *g, size_t first, size_t last, const uint16_t *gradient,
                                 uint16_t *lines) {
    const size_t channels = g->kernel.outputs;
    for (size_t task = first; task < last; task++) {
        const size_t group = task % g->groups, channel = task / g->groups * WIDTH;
        const __mmask32 mask = first_of(channels - channel);
        const uint16_t *from = gradient + group * g->output_positions * channels + channel;
        for (size_t q = 0; q < g->length; q += DEPTH) {
            __m512i low[16], high[16];
            for (size_t i = 0; i < 16; i++) {
                low[i] = values_at(g->outputs[q + i], mask, from, channels);
                high[i] = values_at(g->outputs[q + 16 + i], mask, from, channels);
            }
            transpose(low);
            transpose(high);
            for (size_t i = 0; i < 16; i++) {
                uint16_t *tile = lines + ((channel / 16 + i / 8) * g->groups + group) * g->length * 16 + q * 16;
                _mm512_storeu_si512(tile + i % 8 * 2 * DEPTH, every_other(low[i], high[i], 0));
                _mm512_storeu_si512(tile + i % 8 * 2 * DEPTH + DEPTH, every_other(low[i], high[i], 1));
            }
        }
    }
}

// Four blocks of 16 outputs and 16 inputs: two times two, of which the second of either may be missing; then it is NULL.
typedef struct {
    float *blocks[2][2];
} square;

HL_AMX_INLINE void begin_sums(const square *s, int from_nothing) {
    begin_square();
    if (from_nothing) return;
    _tile_loadd(0, s->blocks[0][0], 64);
    if (s->blocks[0][1]) _tile_loadd(1, s->blocks[0][1], 64);
    if (s->blocks[1][0]) _tile_loadd(2, s->blocks[1][0], 64);
    if (s->blocks[1][1]) _tile_loadd(3, s->blocks[1][1], 64);
}

HL_AMX_INLINE void keep_sums(const square *s) {
    _tile_stored(0, s->blocks[0][0], 64);
    if (s->blocks[0][1]) _tile_stored(1, s->blocks[0][1], 64);
    if (s->blocks[1][0]) _tile_stored(2, s->blocks[1][0], 64);
    if (s->blocks[1][1]) _tile_stored(3, s->blocks[1][1], 64);
}

// The second 16 outputs lie `next` values behind the first. Missing inputs are zeros in the lines, and cost little.
HL_AMX_INLINE void add_lines(const hl_amx_gradient *g, const uint16_t *inputs, const uint16_t *outputs, size_t next) {
    for (size_t group = 0; group < g->groups; group++, inputs += g->pitch * WIDTH)
        for (size_t q = 0; q < g->length; q += DEPTH, outputs += TILE_VALUES) {
            // As add_to_square, but for the pairs of columns, which lie in one row.
            _tile_loadd(4, outputs, 64);
            _tile_loadd(5, outputs + next, 64);
            _tile_loadd(6, inputs + q * WIDTH, 128);
            _tile_loadd(7, inputs + q * WIDTH + WIDTH, 128);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
}

HL_AMX_INLINE void exchange(float *block) {
    __m512i rows[16];
    for (size_t i = 0; i < 16; i++) rows[i] = _mm512_loadu_si512(block + 16 * i);
    transpose(rows);
    for (size_t i = 0; i < 16; i++) _mm512_storeu_si512(block + 16 * i, rows[i]);
}

HL_AMX void hl_amx_add_gradient(const hl_amx_gradient *g, size_t first, size_t last, const uint16_t *input_lines,
                                const uint16_t *gradient_lines, int begins, int ends, float *blocks) {
    const hl_amx_kernel k = g->kernel;
    const size_t pairs = rounded_up(k.outputs, WIDTH) / WIDTH, next = g->groups * g->length * 16;
    begin_tiles();
    for (size_t part = first; part < last; part++) {
        // Outputs change first: they share a line of the input.
        const size_t output = part % pairs * 2, tap = part / pairs % k.taps, inputs = part / pairs / k.taps;
        square s;
        for (size_t i = 0; i < 4; i++) {
            const size_t o = output + i / 2, c = 2 * inputs + i % 2;
            const int exists = o * 16 < k.outputs && c * 16 < k.inputs;
            s.blocks[i / 2][i % 2] = exists ? blocks + block_at(k, o, c, tap) : NULL;
        }
        const size_t offset = (size_t)g->tap_offsets[tap];
        const size_t line = (inputs * g->phases + (size_t)g->tap_phases[tap]) * g->versions + (offset & 1);
        begin_sums(&s, begins);
        add_lines(g, input_lines + line * line_values(g) + offset / 2 * 2 * WIDTH, gradient_lines + output * next,
                  next);
        keep_sums(&s);
        if (!ends) continue;
        for (size_t i = 0; i < 4; i++)
            if (s.blocks[i / 2][i % 2]) exchange(s.blocks[i / 2][i % 2]);
    }
    _tile_release();
}
#else
void hl_amx_pack_input(const hl_amx_gradient *g, size_t first, size_t last, const uint16_t *x, uint16_t *lines) {
    (void)g, (void)first, (void)last, (void)x, (void)lines;
}

void hl_amx_pack_gradient(const hl_amx_gradient *g, size_t first, size_t last, const uint16_t *gradient,
                          uint16_t *lines) {
    (void)g, (void)first, (void)last, (void)gradient, (void)lines;
}

void hl_amx_add_gradient(const hl_amx_gradient *g, size_t first, size_t last, const uint16_t *input_lines,
                         const uint16_t *gradient_lines, int begins, int ends, float *blocks) {
    (void)g, (void)first, (void)last, (void)input_lines, (void)gradient_lines, (void)begins, (void)ends, (void)blocks;
}
#endif
