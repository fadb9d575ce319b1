// What the kernels for AMX share. They are made for one instruction set; who calls them has asked hl_amx_prepare.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "clones.h"
#include "hl_amx.h"

/// Rows of a tile, values of bf16 in one, and channels of two tiles beside each other.
enum { ROWS = 16, DEPTH = 32, WIDTH = 32, TILE_VALUES = ROWS * DEPTH, BLOCK_VALUES = 16 * 16 };

HL_INLINE size_t rounded_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }
HL_INLINE size_t at_most(size_t n, size_t most) { return n < most ? n : most; }

/// Block (o, i) of a tap, [16 inputs][16 outputs].
HL_INLINE size_t block_at(hl_amx_kernel k, size_t o, size_t i, size_t tap) {
    return ((o * ((k.inputs + 15) / 16) + i) * k.taps + tap) * BLOCK_VALUES;
}

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>

#define HL_AMX __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16")))
#define HL_AMX_INLINE static inline HL_AMX __attribute__((always_inline))

/// Eight tiles of 16 rows of 64 bytes, until _tile_release.
HL_AMX_INLINE void begin_tiles(void) {
    struct {
        uint8_t palette, start, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } layout = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        layout.row_bytes[i] = 64;
        layout.rows[i] = ROWS;
    }
    _tile_loadconfig(&layout);
}

/// Tiles 0 to 3 are sums of 32 rows and 32 columns, which begin at nothing.
HL_AMX_INLINE void begin_square(void) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

/// Adds 16 rows and 16 more, `pitch` bytes apart, times two tiles of columns. All four are fetched before anything is
/// multiplied: measured on a Xeon, less time where something else seems to run on the core, and no more where not.
HL_AMX_INLINE void add_to_square(const uint16_t *rows, const uint16_t *more, size_t pitch, const uint16_t *columns) {
    _tile_loadd(4, rows, pitch);
    _tile_loadd(5, more, pitch);
    _tile_loadd(6, columns, 64);
    _tile_loadd(7, columns + TILE_VALUES, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
}

/// Sums [32][32].
HL_AMX_INLINE void store_square(float *sums) {
    enum { PITCH = WIDTH * sizeof(float) };
    _tile_stored(0, sums, PITCH);
    _tile_stored(1, sums + 16, PITCH);
    _tile_stored(2, sums + 16 * WIDTH, PITCH);
    _tile_stored(3, sums + 16 * WIDTH + 16, PITCH);
}

/// A row of them, of which `mask` are there, rounded.
HL_AMX_INLINE void store_rounded(const float *sums, __mmask32 mask, uint16_t *to) {
    _mm512_mask_storeu_epi16(to, mask, (__m512i)_mm512_cvtne2ps_pbh(_mm512_load_ps(sums + 16), _mm512_load_ps(sums)));
}

/// The first `count` of 32 values.
HL_AMX_INLINE __mmask32 first_of(size_t count) { return count < 32 ? (1u << count) - 1 : ~0u; }

/// 16 rows of 16 words become 16 columns.
HL_AMX_INLINE void transpose(__m512i r[16]) {
    __m512i t[16];
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 4; i++) {
        r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
    for (int i = 0; i < 8; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    }
}

/// Of the values of two vectors those in `places`, all of them moved on by `shift`.
HL_AMX_INLINE __m512i picked(__m512i a, const uint16_t places[32], int shift, __m512i b) {
    return _mm512_permutex2var_epi16(a, _mm512_add_epi16(_mm512_load_si512(places), _mm512_set1_epi16((short)shift)),
                                     b);
}

/// Of the values of two vectors those in even places, or in odd ones.
HL_AMX_INLINE __m512i every_other(__m512i low, __m512i high, int odd) {
    static const uint16_t even[32] __attribute__((aligned(64))) = {
        0,  2,  4,  6,  8,  10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30,
        32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62,
    };
    return picked(low, even, odd ? 1 : 0, high);
}

/// The values of two vectors in turns: the lower halves, or the upper ones.
HL_AMX_INLINE __m512i in_turns(__m512i even, __m512i odd, int upper) {
    static const uint16_t lower[32] __attribute__((aligned(64))) = {
        0, 32, 1, 33, 2,  34, 3,  35, 4,  36, 5,  37, 6,  38, 7,  39,
        8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47,
    };
    return picked(even, lower, upper ? 16 : 0, odd);
}
#endif
