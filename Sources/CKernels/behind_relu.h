#pragma once
#include <stddef.h>

#include "clones.h"
#include "hl_batch_norm.h"
#include "values.h"

// Where ReLU's mask comes from; constants, so that nothing is left to decide in a loop.
enum { LETS_ALL_PASS, MASK_OF_OUTPUT, MASK_OF_INPUT };

/// The gradient behind ReLU, which let pass what is above 0. It is loaded in any case: behind a branch, which nobody could
/// predict, it would keep a loop from becoming vector code.
HL_INLINE float behind_relu(float gradient, int mask, const void *y, size_t at, float x, float scale, float shift,
                            int narrow) {
    if (mask == MASK_OF_OUTPUT) return loaded(y, at, narrow) > 0.0f ? gradient : 0.0f;
    // As the way forward computed it.
    if (mask == MASK_OF_INPUT) return x * scale + shift > 0.0f ? gradient : 0.0f;
    return gradient;
}

/// Runs a call with MASK for where the mask comes from, a constant. What is called must be HL_INLINE.
#define HL_FOR_MASK(relu, ...)              \
    do {                                    \
        if ((relu).output) {                \
            enum { MASK = MASK_OF_OUTPUT }; \
            __VA_ARGS__;                    \
        } else if ((relu).scale) {          \
            enum { MASK = MASK_OF_INPUT };  \
            __VA_ARGS__;                    \
        } else {                            \
            enum { MASK = LETS_ALL_PASS };  \
            __VA_ARGS__;                    \
        }                                   \
    } while (0)
