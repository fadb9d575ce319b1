#pragma once
#include <stddef.h>

#include "clones.h"
#include "values.h"

/// The gradient behind ReLU, which let pass what made y; all of it where y is NULL. It is loaded in any case: behind a
/// branch, which nobody could predict, it would keep a loop from becoming vector code.
HL_INLINE float behind_relu(float gradient, const void *y, size_t at, int narrow) {
    return y && !(loaded(y, at, narrow) > 0.0f) ? 0.0f : gradient;
}
