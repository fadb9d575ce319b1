#include "hl_pairs.h"

#include "clones.h"
#include "exponential.h"

// Partial sums of one row: a fixed number, so that every instruction set adds in the same order.
enum { LANES = 16, DOUBLES = 8 };

HL_INLINE int is_near(float product, float norm, float other, float limit, float other_limit) {
    const float distance = norm + other - 2 * product;
    return distance <= (limit > other_limit ? limit : other_limit);
}

HL_CLONES size_t hl_near_pairs(const float *products, float norm, const float *norms, float limit, const float *limits,
                               size_t n, uint32_t *chosen) {
    enum { STRETCH = 64 };
    size_t count = 0, start = 0;
    for (; start + STRETCH <= n; start += STRETCH) {
        int any = 0;
        for (size_t j = start; j < start + STRETCH; j++) any |= is_near(products[j], norm, norms[j], limit, limits[j]);
        if (!any) continue;
        for (size_t j = start; j < start + STRETCH; j++) {
            chosen[count] = (uint32_t)j;
            count += (size_t)is_near(products[j], norm, norms[j], limit, limits[j]);
        }
    }
    for (size_t j = start; j < n; j++) {
        chosen[count] = (uint32_t)j;
        count += (size_t)is_near(products[j], norm, norms[j], limit, limits[j]);
    }
    return count;
}

HL_INLINE float gaussian(float product, float norm, float other, float t) {
    const float distance = norm + other - 2 * product;
    return hl_exp(-t * (distance > 0 ? distance : 0));
}

HL_CLONES double hl_gaussian_sum(const float *products, float norm, const float *norms, float t, size_t n) {
    HL_ALIGNED float sums[LANES] = {0};
    size_t j = 0;
    for (; j + LANES <= n; j += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            sums[lane] += gaussian(products[j + lane], norm, norms[j + lane], t);
    for (size_t lane = 0; j < n; j++, lane++) sums[lane] += gaussian(products[j], norm, norms[j], t);
    double total = 0;
    for (size_t lane = 0; lane < LANES; lane++) total += sums[lane];
    return total;
}

HL_CLONES double hl_cubic_sum(const float *products, double gamma, size_t n) {
    HL_ALIGNED double sums[DOUBLES] = {0};
    size_t j = 0;
    for (; j + DOUBLES <= n; j += DOUBLES)
        for (size_t lane = 0; lane < DOUBLES; lane++) {
            const double base = gamma * products[j + lane] + 1;
            sums[lane] += base * base * base;
        }
    for (size_t lane = 0; j < n; j++, lane++) {
        const double base = gamma * products[j] + 1;
        sums[lane] += base * base * base;
    }
    double total = 0;
    for (size_t lane = 0; lane < DOUBLES; lane++) total += sums[lane];
    return total;
}
