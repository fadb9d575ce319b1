// Windows over a plane.
#pragma once
#include <stddef.h>

#include "clones.h"

typedef struct {
    size_t height, width, out_height, out_width, window, stride, padding;
} pooling;

HL_INLINE pooling pooling_of(size_t height, size_t width, size_t window, size_t stride, size_t padding) {
    const size_t out_height = (height + 2 * padding - window) / stride + 1;
    const size_t out_width = (width + 2 * padding - window) / stride + 1;
    return (pooling){height, width, out_height, out_width, window, stride, padding};
}

/// Runs a call with POOLING, which is of constants for the window that every stem has: divisions become shifts, and loops over
/// it are unrolled. What is called must be HL_INLINE.
#define HL_FOR_WINDOW(p, ...)                                                                        \
    do {                                                                                             \
        if ((p).window == 3 && (p).stride == 2 && (p).padding == 1) {                                \
            const pooling POOLING = {(p).height, (p).width, (p).out_height, (p).out_width, 3, 2, 1}; \
            __VA_ARGS__;                                                                             \
        } else {                                                                                     \
            const pooling POOLING = p;                                                               \
            __VA_ARGS__;                                                                             \
        }                                                                                            \
    } while (0)
