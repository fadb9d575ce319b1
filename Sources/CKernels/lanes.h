// 16 values side by side, what AVX-512 holds in a register; other instruction sets take two or four.
// https://clang.llvm.org/docs/LanguageExtensions.html#vectors-and-extended-vectors
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "clones.h"
#include "values.h"

enum { LANE_COUNT = 16 };

typedef float lane_values __attribute__((vector_size(LANE_COUNT * sizeof(float))));
typedef uint32_t lane_bits __attribute__((vector_size(LANE_COUNT * sizeof(uint32_t))));
typedef uint16_t lane_halves __attribute__((vector_size(LANE_COUNT * sizeof(uint16_t))));
typedef uint8_t lane_bytes __attribute__((vector_size(LANE_COUNT)));

/// In a structure, since a vector by itself may not be handed from code of one instruction set to that of another, not even where
/// it is inlined.
typedef struct {
    lane_values v;
} lanes;

// Less 0, which leaves -0 as it is.
HL_INLINE lanes all_lanes(float value) { return (lanes){value - (lane_values){0}}; }

// Rounded as `narrowed` does, in the upper halves of 32 bits. (A comparison of vectors is all ones where it holds.)
HL_INLINE lanes rounded_in_place(lanes x) {
    const lane_bits bits = (lane_bits)x.v, rounded = bits + 0x7fff + (bits >> 16 & 1), is_nan = (lane_bits)(x.v != x.v);
    return (lanes){(lane_values)((rounded & ~is_nan) | ((bits | 0x400000) & is_nan))};
}

/// `count` values from value `at` on, and zeros behind them: one load where it is a constant 16 or 8.
HL_INLINE lanes lanes_at(const void *values, size_t at, size_t count, int narrow) {
    if (!narrow) {
        lanes result = {{0}};
        memcpy(&result, (const float *)values + at, count * sizeof(float));
        return result;
    }
    lane_halves halves = {0};
    memcpy(&halves, (const uint16_t *)values + at, count * sizeof(uint16_t));
    return (lanes){(lane_values)(__builtin_convertvector(halves, lane_bits) << 16)};
}

/// The same of a stream of values, of which those that come next, `ahead` values behind them, are asked for: by itself a processor
/// does not foresee steps of many lines. 0 asks for nothing.
HL_INLINE lanes streamed_lanes(const void *values, size_t at, size_t count, size_t ahead, int narrow) {
    // An address, which may lie beyond the values, and not a pointer.
    if (ahead) __builtin_prefetch((const void *)((uintptr_t)values + (at + ahead) * value_size(narrow)));
    return lanes_at(values, at, count, narrow);
}

/// The first `count` of them, to value `at` and those behind it.
HL_INLINE void keep_lanes(void *values, size_t at, size_t count, lanes x, int narrow) {
    if (!narrow) {
        memcpy((float *)values + at, &x, count * sizeof(float));
        return;
    }
    const lane_halves halves = __builtin_convertvector((lane_bits)rounded_in_place(x).v >> 16, lane_halves);
    memcpy((uint16_t *)values + at, &halves, count * sizeof(uint16_t));
}

/// As values that were stored in bf16.
HL_INLINE lanes rounded_lanes(lanes x) { return (lanes){(lane_values)((lane_bits)rounded_in_place(x).v & 0xffff0000)}; }

/// Vectors of which a piece of a wide block consists at most (HL_FOR_WIDE_PIECES).
enum { MOST_VECTORS = 4 };

/// A loop over those of a block of channels: `first` is the first channel of each.
#define HL_FOR_VECTORS(first, block) for (size_t first = 0; first < (block); first += LANE_COUNT)

/// How many channels the vector from channel `first` on holds.
HL_INLINE size_t lanes_from(size_t first, size_t block) {
    return block - first < LANE_COUNT ? block - first : LANE_COUNT;
}

/// How far ahead the vector from channel `first` on asks: every second one of bf16 shares a line of the cache with the one before.
HL_INLINE size_t ahead_from(size_t first, size_t ahead, int narrow) {
    return narrow && first / LANE_COUNT % 2 == 1 ? 0 : ahead;
}

/// x where a comparison of vectors holds, and 0 elsewhere.
#define HL_WHERE(comparison, x) ((lanes){(lane_values)((lane_bits)(comparison) & (lane_bits)(x).v)})

/// Bits of x where a comparison of vectors, kept as bits, holds, and those of y elsewhere.
#define HL_EITHER(holds, x, y) (((holds) & (lane_bits)(x)) | (~(holds) & (lane_bits)(y)))
