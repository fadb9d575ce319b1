// The swap-or-not network (Hoang, Morris and Rogaway, "An enciphering scheme based on a card shuffle", CRYPTO 2012): in
// every round each element has one partner, and a bit that belongs to the pair says whether the two change places. So a
// round is its own inverse, for any number of elements, and an element needs none of the others to find its place.

#include "hl_permute.h"

#include "clones.h"
#include "philox.h"

// Elements that go through all rounds together: they stay in the first-level cache.
enum { TILE = 1024 };

HL_INLINE void swap_round(uint32_t key_low, uint32_t key_high, int64_t count, int64_t pairing, int round,
                          int64_t *restrict elements, size_t n) {
#pragma clang loop vectorize(enable)
    for (size_t i = 0; i < n; i++) {
        const int64_t own = elements[i], difference = pairing - own;
        const int64_t partner = difference < 0 ? difference + count : difference;
        const uint64_t larger = (uint64_t)(own > partner ? own : partner);
        uint64_t x[4] = {0, 0, larger, larger >> 32};
        philox_rounds(key_low, key_high, x);
        const uint64_t bits = (uint32_t)x[0] | x[1] << 32;
        elements[i] = (bits >> round) & 1 ? partner : own;
    }
}

HL_CLONES void hl_swap_or_not(uint32_t key_low, uint32_t key_high, int64_t count, const int64_t *pairings, int rounds,
                              int inverse, int64_t *elements, size_t n) {
    for (size_t start = 0; start < n; start += TILE) {
        const size_t size = n - start < TILE ? n - start : TILE;
        for (int i = 0; i < rounds; i++) {
            const int round = inverse ? rounds - 1 - i : i;
            swap_round(key_low, key_high, count, pairings[round], round, elements + start, size);
        }
    }
}
