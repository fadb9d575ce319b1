// Kernels of convolutions as AMX takes them.
#include "amx.h"

static size_t blocks_of(size_t channels) { return (channels + 15) / 16; }

size_t hl_amx_block_count(hl_amx_kernel k) {
    return blocks_of(k.outputs) * blocks_of(k.inputs) * k.taps * BLOCK_VALUES;
}

size_t hl_amx_packed_count(size_t taps, size_t inputs, size_t outputs) {
    return rounded_up(outputs, WIDTH) * taps * rounded_up(inputs, DEPTH);
}

// Where input i of output o and a tap lies in row-major order.
static size_t plain_at(hl_amx_kernel k, size_t o, size_t i, size_t tap) {
    const size_t channels = k.inputs / k.columns;
    return ((o * channels + i % channels) * k.taps + tap) * k.columns + i / channels;
}

void hl_amx_block_weights(hl_amx_kernel k, size_t first, size_t last, const float *plain, float *blocks) {
    for (size_t o = first * 16; o < last * 16; o++)
        for (size_t i = 0; i < blocks_of(k.inputs) * 16; i++)
            for (size_t tap = 0; tap < k.taps; tap++) {
                const int exists = o < k.outputs && i < k.inputs;
                blocks[block_at(k, o / 16, i / 16, tap) + i % 16 * 16 + o % 16] =
                    exists ? plain[plain_at(k, o, i, tap)] : 0;
            }
}

void hl_amx_unblock_weights(hl_amx_kernel k, size_t first, size_t last, const float *blocks, float *plain) {
    for (size_t o = first * 16; o < at_most(last * 16, k.outputs); o++)
        for (size_t i = 0; i < k.inputs; i++)
            for (size_t tap = 0; tap < k.taps; tap++)
                plain[plain_at(k, o, i, tap)] = blocks[block_at(k, o / 16, i / 16, tap) + i % 16 * 16 + o % 16];
}

#ifdef HL_AMX
// Row `row` of a block, or zeros where there is none.
HL_AMX_INLINE __m512 block_row(hl_amx_kernel k, size_t o, size_t i, size_t tap, size_t row, const float *blocks) {
    if (o >= blocks_of(k.outputs) || i >= blocks_of(k.inputs)) return _mm512_setzero_ps();
    return _mm512_loadu_ps(blocks + block_at(k, o, i, tap) + row * 16);
}

// 16 outputs of 32 inputs of the kernel.
HL_AMX_INLINE void pack_forward(hl_amx_kernel k, size_t o, size_t i, size_t tap, const float *blocks, uint16_t *tile) {
    for (size_t pair = 0; pair < ROWS; pair++) {
        const size_t block = i + pair / 8, row = pair % 8 * 2;
        const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(block_row(k, o, block, tap, row + 1, blocks),
                                                          block_row(k, o, block, tap, row, blocks));
        const __m512i odd = _mm512_castsi256_si512(_mm512_extracti64x4_epi64(both, 1));
        _mm512_storeu_si512(tile + pair * 32, in_turns(both, odd, 0));
    }
}

// 16 inputs of 32 outputs of the kernel.
HL_AMX_INLINE void pack_backward(hl_amx_kernel k, size_t o, size_t i, size_t tap, const float *blocks, uint16_t *tile) {
    __m512i rows[16];
    for (size_t row = 0; row < 16; row++)
        rows[row] = (__m512i)_mm512_cvtne2ps_pbh(block_row(k, o + 1, i, tap, row, blocks),
                                                 block_row(k, o, i, tap, row, blocks));
    transpose(rows);
    for (size_t pair = 0; pair < ROWS; pair++) _mm512_storeu_si512(tile + pair * 32, rows[pair]);
}

HL_AMX void hl_amx_pack_weights(hl_amx_kernel k, const int32_t *taps, size_t count, int backward, size_t first,
                                size_t last, const float *blocks, uint16_t *packed) {
    const size_t depth = rounded_up(backward ? k.outputs : k.inputs, DEPTH) / DEPTH;
    for (size_t group = first; group < last; group++)
        for (size_t t = 0; t < count; t++)
            for (size_t step = 0; step < depth; step++)
                for (size_t half = 0; half < 2; half++) {
                    uint16_t *tile = packed + (((group * count + t) * depth + step) * 2 + half) * TILE_VALUES;
                    if (backward)
                        pack_backward(k, 2 * step, 2 * group + half, (size_t)taps[t], blocks, tile);
                    else
                        pack_forward(k, 2 * group + half, 2 * step, (size_t)taps[t], blocks, tile);
                }
}
#else
void hl_amx_pack_weights(hl_amx_kernel k, const int32_t *taps, size_t count, int backward, size_t first, size_t last,
                         const float *blocks, uint16_t *packed) {
    (void)k, (void)taps, (void)count, (void)backward, (void)first, (void)last, (void)blocks, (void)packed;
}
#endif
