#pragma once
#include <stddef.h>

#include "clones.h"
#include "hl_batch_norm.h"
#include "values.h"

// Where ReLU's mask comes from; constants, so that nothing is left to decide in a loop.
enum { LETS_ALL_PASS, MASK_OF_OUTPUT, MASK_OF_INPUT };

/// What the way back through a batch norm reads of one sample: the gradient, its addend, ReLU's output, the input, and what
/// the output was made by.
typedef struct {
    const void *gradient, *addend, *y, *x;
    const float *scale, *shift;
} behind_relu;

/// The same from value `at` on, whose channel is `channel` of the block.
HL_INLINE behind_relu piece_behind(behind_relu b, size_t at, size_t channel, int narrow) {
    return (behind_relu){
        from(b.gradient, at, narrow), from(b.addend, at, narrow),         from(b.y, at, narrow),
        from(b.x, at, narrow),        b.scale ? b.scale + channel : NULL, b.shift ? b.shift + channel : NULL};
}

/// The gradient behind ReLU, which let pass what is above 0, of channel j of a block at `at`, where the input is `x`. It is
/// loaded in any case: behind a branch, which nobody could predict, it would keep a loop from becoming vector code.
HL_INLINE float gradient_behind(behind_relu b, size_t at, size_t j, float x, int mask, int adds, int narrow) {
    float gradient = loaded(b.gradient, at, narrow);
    if (adds) {
        gradient += loaded(b.addend, at, narrow);
        // As a sum that was stored.
        if (narrow) gradient = widened(narrowed(gradient));
    }
    if (mask == MASK_OF_OUTPUT) return loaded(b.y, at, narrow) > 0.0f ? gradient : 0.0f;
    // As the way forward computed it.
    if (mask == MASK_OF_INPUT) return x * b.scale[j] + b.shift[j] > 0.0f ? gradient : 0.0f;
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
