// One loop over a block of channels, several sizes of the block.
#pragma once
#include <stddef.h>

#include "clones.h"
#include "hl_planes.h"

/// Channels of a wide block that are taken together: a vector.
enum { PIECE = 16 };

/// How many positions of a wide block are walked for one piece after the other: as many as the first-level cache holds, since
/// several pieces share its lines. An even number.
HL_INLINE size_t tile_of(size_t step) {
    enum { VALUES = 4096, LEAST = 4 };
    return step < VALUES / LEAST ? VALUES / step / 2 * 2 : LEAST;
}

/// Runs a call for all of a block of `positions` positions, `step` values apart, with BLOCK for the channels to take together:
/// 16, 8 or 1 where the block has as many and its positions lie without gaps, a constant, so that the compiler keeps their
/// values in vector registers. Any other block (channels last, a matrix) is wide and comes in pieces: of tiles of positions,
/// COUNT from position PLACE on, and of channels, BLOCK from channel CHANNEL on, which is PIECE but for the last. STEP is the
/// step, a constant too where BLOCK is. The same piece of the next tile comes AHEAD values behind; without tiles that is 0.
/// What is called must be HL_INLINE.
#define HL_FOR_PIECES(positions, block, step, ...) HL_FOR_WIDE_PIECES(1, positions, block, step, __VA_ARGS__)

/// The same with `most` pieces of a wide block at once, a constant, as long as it has as many: of bf16 two fill a line of the cache.
#define HL_FOR_WIDE_PIECES(most, positions, block, step, ...)                                                       \
    do {                                                                                                            \
        if ((block) == 16 && (step) == 16) {                                                                        \
            HL_WHOLE_BLOCK(16, positions, __VA_ARGS__);                                                             \
        } else if ((block) == 8 && (step) == 8) {                                                                   \
            HL_WHOLE_BLOCK(8, positions, __VA_ARGS__);                                                              \
        } else if ((block) == 1 && (step) == 1) {                                                                   \
            HL_WHOLE_BLOCK(1, positions, __VA_ARGS__);                                                              \
        } else {                                                                                                    \
            const size_t STEP = (step), TILE_OF_ALL = tile_of(STEP), ALL = (positions), AHEAD = TILE_OF_ALL * STEP; \
            (void)AHEAD;                                                                                            \
            for (size_t PLACE = 0; PLACE < ALL; PLACE += TILE_OF_ALL) {                                             \
                const size_t COUNT = ALL - PLACE < TILE_OF_ALL ? ALL - PLACE : TILE_OF_ALL;                         \
                size_t CHANNEL = 0;                                                                                 \
                for (; (most) > 1 && CHANNEL + (most)*PIECE <= (block); CHANNEL += (most)*PIECE) {                  \
                    enum { BLOCK = (most)*PIECE };                                                                  \
                    __VA_ARGS__;                                                                                    \
                }                                                                                                   \
                for (; (most) > 2 && CHANNEL + 2 * PIECE <= (block); CHANNEL += 2 * PIECE) {                        \
                    enum { BLOCK = 2 * PIECE };                                                                     \
                    __VA_ARGS__;                                                                                    \
                }                                                                                                   \
                for (; CHANNEL + PIECE <= (block); CHANNEL += PIECE) {                                              \
                    enum { BLOCK = PIECE };                                                                         \
                    __VA_ARGS__;                                                                                    \
                }                                                                                                   \
                if (CHANNEL + PIECE / 2 == (block)) {                                                               \
                    enum { BLOCK = PIECE / 2 };                                                                     \
                    __VA_ARGS__;                                                                                    \
                } else if (CHANNEL < (block)) {                                                                     \
                    const size_t BLOCK = (block)-CHANNEL;                                                           \
                    __VA_ARGS__;                                                                                    \
                }                                                                                                   \
            }                                                                                                       \
        }                                                                                                           \
    } while (0)
#define HL_WHOLE_BLOCK(size, positions, ...)                                       \
    do {                                                                           \
        enum { BLOCK = (size), STEP = (size), PLACE = 0, CHANNEL = 0, AHEAD = 0 }; \
        const size_t COUNT = (positions);                                          \
        __VA_ARGS__;                                                               \
    } while (0)

/// Runs a call that finds the pieces of a block by itself: with BLOCK for its channels, LANES for those to take together and
/// STEP for the step. For 16, 8 or 1 channels whose positions lie without gaps all are constants, for others LANES alone.
#define HL_FOR_BLOCK(block, step, ...)                   \
    do {                                                 \
        if ((block) == 16 && (step) == 16) {             \
            enum { BLOCK = 16, LANES = 16, STEP = 16 };  \
            __VA_ARGS__;                                 \
        } else if ((block) == 8 && (step) == 8) {        \
            enum { BLOCK = 8, LANES = 8, STEP = 8 };     \
            __VA_ARGS__;                                 \
        } else if ((block) == 1 && (step) == 1) {        \
            enum { BLOCK = 1, LANES = 1, STEP = 1 };     \
            __VA_ARGS__;                                 \
        } else {                                         \
            enum { LANES = PIECE };                      \
            const size_t BLOCK = (block), STEP = (step); \
            (void)STEP;                                  \
            __VA_ARGS__;                                 \
        }                                                \
    } while (0)

/// Where block `which` of sample `n` begins, in values.
HL_INLINE size_t start_of(hl_planes p, size_t n, size_t which) {
    return n * p.blocks * p.positions * p.block + which * (p.step == p.block ? p.positions * p.block : p.block);
}

/// Before a loop over positions whose body is a loop over a block of constant size: one vector or two a turn. Left to
/// itself clang takes many positions at a time, channel by channel, which is up to ten times as slow.
#ifdef __clang__
#define HL_ONE_BLOCK_AT_A_TIME _Pragma("clang loop vectorize(disable)")
#else
#define HL_ONE_BLOCK_AT_A_TIME
#endif
