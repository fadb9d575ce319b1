// Permutations that are computed place by place.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Replaces `elements` [n], each in 0 ..< count, by their images under the swap-or-not network (Hoang, Morris and
/// Rogaway, "An enciphering scheme based on a card shuffle", CRYPTO 2012, https://doi.org/10.1007/978-3-642-32009-5_1),
/// or with `inverse` by what they are the images of.
///
/// Round r pairs x with pairings[r] - x, modulo `count`, and swaps the two where bit r is set in the Philox block at
/// counter (0, 0, low, high) of the larger one under the key. `rounds` is at most 64, `count` at most 2^62, and the
/// pairings [rounds] lie in 0 ..< count.
void hl_swap_or_not(uint32_t key_low, uint32_t key_high, int64_t count, const int64_t *pairings, int rounds,
                    int inverse, int64_t *elements, size_t n);
