#include "hl_dot.h"

#include "clones.h"

HL_CLONES double hl_dot(const float *a, const float *b, size_t n) {
    enum { LANES = 16, STRETCH = 4096 };
    double total = 0;
    for (size_t start = 0; start < n; start += STRETCH) {
        const size_t end = n - start < STRETCH ? n : start + STRETCH;
        float sums[LANES] = {0};
        size_t i = start;
        for (; i + LANES <= end; i += LANES)
            for (size_t j = 0; j < LANES; j++) sums[j] += a[i + j] * b[i + j];
        for (; i < end; i++) sums[0] += a[i] * b[i];
        for (size_t j = 0; j < LANES; j++) total += sums[j];
    }
    return total;
}
