// Values of activations in memory: f32, or bf16, the upper half of an f32
// (https://en.wikipedia.org/wiki/Bfloat16_floating-point_format). Kernels compute in f32 either way.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "clones.h"

HL_INLINE float widened(uint16_t value) {
    const uint32_t bits = (uint32_t)value << 16;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

/// To the nearest, ties to even; NaN stays NaN. By integers, so that every instruction set gives the same bits.
HL_INLINE uint16_t narrowed(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const uint32_t broken = (bits >> 16) | 0x40;
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? broken : rounded);
}

/// Value `at` of `values`, which are bf16 where `narrow` is not 0. With a constant `narrow` (HL_FOR_VALUES) nothing is
/// left to decide in a loop.
HL_INLINE float loaded(const void *values, size_t at, int narrow) {
    return narrow ? widened(((const uint16_t *)values)[at]) : ((const float *)values)[at];
}

HL_INLINE void store(void *values, size_t at, float value, int narrow) {
    if (narrow)
        ((uint16_t *)values)[at] = narrowed(value);
    else
        ((float *)values)[at] = value;
}

HL_INLINE size_t value_size(int narrow) { return narrow ? sizeof(uint16_t) : sizeof(float); }

/// The address of value `at`; NULL stays NULL.
HL_INLINE const void *from(const void *values, size_t at, int narrow) {
    return values ? (const char *)values + at * value_size(narrow) : NULL;
}

HL_INLINE void *into(void *values, size_t at, int narrow) {
    return values ? (char *)values + at * value_size(narrow) : NULL;
}

/// Runs a call with NARROW for the type of the values, a constant. What is called must be HL_INLINE.
#define HL_FOR_VALUES(narrow, ...) \
    do {                           \
        if (narrow) {              \
            enum { NARROW = 1 };   \
            __VA_ARGS__;           \
        } else {                   \
            enum { NARROW = 0 };   \
            __VA_ARGS__;           \
        }                          \
    } while (0)
