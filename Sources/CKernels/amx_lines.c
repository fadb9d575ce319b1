// Products of lines of positions with the kernels of a convolution, without a copy of a position for every tap.
#include "amx.h"

static size_t place_values(const hl_amx_lines *l) { return rounded_up(l->inputs, DEPTH); }
static size_t sample_values(const hl_amx_lines *l) { return l->phases * l->pitch * place_values(l); }

size_t hl_amx_lines_room(const hl_amx_lines *l, size_t samples) {
    return samples * sample_values(l) * sizeof(uint16_t);
}

#ifdef HL_AMX
// [phases][pitch][inputs, rounded up].
HL_AMX_INLINE void make_lines(const hl_amx_lines *l, const uint16_t *x, uint16_t *lines) {
    for (size_t i = 0; i < l->phases * l->pitch; i++) {
        const int32_t place = l->places[i];
        const uint16_t *from = x + (size_t)(place < 0 ? 0 : place) * l->inputs;
        for (size_t c = 0; c < l->inputs; c += DEPTH, lines += DEPTH)
            _mm512_storeu_si512(lines, place < 0 ? _mm512_setzero_si512()
                                                 : _mm512_maskz_loadu_epi16(first_of(l->inputs - c), from + c));
    }
}

// 32 places from `line` on times 32 outputs.
HL_AMX_INLINE void multiply(const hl_amx_lines *l, const uint16_t *line, const uint16_t *weights, float *sums) {
    const size_t values = place_values(l);
    begin_square();
    for (size_t tap = 0; tap < l->taps; tap++) {
        const size_t offset = (size_t)l->tap_phases[tap] * l->pitch + (size_t)l->tap_offsets[tap];
        const uint16_t *rows = line + offset * values;
        for (size_t c = 0; c < values; c += DEPTH, weights += 2 * TILE_VALUES)
            add_to_square(rows + c, rows + ROWS * values + c, values * sizeof(uint16_t), weights);
    }
    store_square(sums);
}

HL_AMX void hl_amx_multiply_lines(const hl_amx_lines *l, size_t first, size_t last, size_t first_output,
                                  size_t last_output, const uint16_t *x, const uint16_t *weights, uint16_t *y,
                                  uint16_t *room) {
    HL_ALIGNED float sums[WIDTH * WIDTH];
    x += first * l->input_positions * l->inputs;
    y += first * l->output_positions * l->outputs;
    for (size_t i = 0; i < last - first; i++)
        make_lines(l, x + i * l->input_positions * l->inputs, room + i * sample_values(l));
    begin_tiles();
    for (size_t output = first_output; output < last_output; output += WIDTH) {
        const __mmask32 mask = first_of(last_output - output);
        for (size_t i = 0; i < last - first; i++)
            for (size_t q = 0; q < l->length; q += WIDTH) {
                multiply(l, room + i * sample_values(l) + q * place_values(l),
                         weights + output * l->taps * place_values(l), sums);
                for (size_t j = 0; j < WIDTH; j++) {
                    const int32_t target = l->targets[q + j];
                    if (target >= 0)
                        store_rounded(sums + j * WIDTH, mask,
                                      y + (i * l->output_positions + (size_t)target) * l->outputs + output);
                }
            }
    }
    _tile_release();
}
#else
void hl_amx_multiply_lines(const hl_amx_lines *l, size_t first, size_t last, size_t first_output, size_t last_output,
                           const uint16_t *x, const uint16_t *weights, uint16_t *y, uint16_t *room) {
    (void)l, (void)first, (void)last, (void)first_output, (void)last_output, (void)x, (void)weights, (void)y,
        (void)room;
}
#endif
