// One loop over a block of channels, several sizes of the block.
#pragma once
#include <stddef.h>

/// Runs a call with BLOCK for the size of a block: a constant where the block has one of `sizes` (16 | 8 | 1, or some
/// of them), so that the compiler keeps the values of one block in vector registers, and `block` itself for every other
/// one (a matrix, whose block is a whole row). What is called must be HL_INLINE. Which sizes are worth an instance of
/// their own is measured.
#define HL_FOR_BLOCK(sizes, block, ...)             \
    do {                                            \
        if ((16 & (sizes)) && (block) == 16) {      \
            enum { BLOCK = 16 };                    \
            __VA_ARGS__;                            \
        } else if ((8 & (sizes)) && (block) == 8) { \
            enum { BLOCK = 8 };                     \
            __VA_ARGS__;                            \
        } else if ((1 & (sizes)) && (block) == 1) { \
            enum { BLOCK = 1 };                     \
            __VA_ARGS__;                            \
        } else {                                    \
            const size_t BLOCK = (block);           \
            __VA_ARGS__;                            \
        }                                           \
    } while (0)

/// Before a loop over positions whose body is a loop over a block of constant size: one vector or two a turn. Left to
/// itself clang takes many positions at a time, channel by channel, which is up to ten times as slow.
#ifdef __clang__
#define HL_ONE_BLOCK_AT_A_TIME _Pragma("clang loop vectorize(disable)")
#else
#define HL_ONE_BLOCK_AT_A_TIME
#endif
