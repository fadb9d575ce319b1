// Philox4x32-10 (see hl_random.h) for the loops that draw from it. Its authors' code, whose known answers the tests
// compare: https://github.com/DEShawResearch/random123/blob/main/include/Random123/philox.h
#pragma once
#include <stdint.h>

#include "clones.h"

// One round on 32-bit values in 64-bit lanes. The upper halves carry leftovers that the 32 × 32 multiplication ignores,
// which saves the masking.
#define PHILOX_MULTIPLIER_0 0xD2511F53ull
#define PHILOX_MULTIPLIER_1 0xCD9E8D57ull
#define PHILOX_WEYL_0 0x9E3779B9u
#define PHILOX_WEYL_1 0xBB67AE85u

HL_INLINE void philox_rounds(uint32_t key_low, uint32_t key_high, uint64_t x[4]) {
    uint64_t x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
    for (int round = 0; round < 10; round++) {
        uint64_t first = (uint64_t)(uint32_t)x0 * PHILOX_MULTIPLIER_0;
        uint64_t second = (uint64_t)(uint32_t)x2 * PHILOX_MULTIPLIER_1;
        x0 = (second >> 32) ^ x1 ^ (key_low + (uint32_t)round * PHILOX_WEYL_0);
        x2 = (first >> 32) ^ x3 ^ (key_high + (uint32_t)round * PHILOX_WEYL_1);
        x1 = second;
        x3 = first;
    }
    x[0] = x0, x[1] = x1, x[2] = x2, x[3] = x3;
}
