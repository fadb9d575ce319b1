#pragma once
#include <stddef.h>

#include "clones.h"

/// The gradient behind ReLU, which let pass what made y; all of it where y is NULL. It is loaded in any case: behind a
/// branch, which nobody could predict, it would keep a loop from becoming vector code.
HL_INLINE float behind_relu(float gradient, const float *y, size_t at) {
    return y && !(y[at] > 0.0f) ? 0.0f : gradient;
}
