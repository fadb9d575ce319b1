// The scalar product of two rows.
#pragma once
#include <stddef.h>

#include "clones.h"

/// In eight sums in double: rows are short, and their losses must not depend on the instruction set.
HL_INLINE double row_dot(const float *a, const float *b, size_t n) {
    double s[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t j = 0; j < 8; j++) s[j] += (double)a[i + j] * b[i + j];
    for (; i < n; i++) s[0] += (double)a[i] * b[i];
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}
