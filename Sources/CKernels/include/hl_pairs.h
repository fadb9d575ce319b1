// What statistics of all pairs of rows read off one row of a tile of their products p_j = x · y_j.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Finds pairs that may be near: writes to `chosen` the places j, ascending, with norm + norms[j] - 2 p_j at most
/// max(limit, limits[j]), and returns how many there are. `chosen` has room for n.
size_t hl_near_pairs(const float *products, float norm, const float *norms, float limit, const float *limits, size_t n,
                     uint32_t *chosen);

/// Sum over j of exp(-t max(0, norm + norms[j] - 2 p_j)), the terms to 2^-21: a Gaussian of the distance.
/// https://arxiv.org/abs/2005.10242, equation 4
double hl_gaussian_sum(const float *products, float norm, const float *norms, float t, size_t n);

/// Sum over j of (gamma p_j + 1)^3, in double. https://arxiv.org/abs/1801.01401, section 4
double hl_cubic_sum(const float *products, double gamma, size_t n);
