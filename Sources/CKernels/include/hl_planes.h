// How activations lie in memory.
#pragma once
#include <stddef.h>

/// One description covers every layout in use:
///
///     [samples][blocks][positions][block]
///
/// row-major NCHW has block = 1 and blocks = C; the blocked layout nChw16c has block = 16 and blocks = ceil(C / 16),
/// with zeros in the padding; a matrix [B][d] has blocks = positions = 1 and block = d; channels last, NHWC, has blocks = 1
/// and block = C. The blocked layouts are oneDNN's:
/// https://uxlfoundation.github.io/oneDNN/dev_guide_understanding_memory_formats.html
///
/// Channels last may be cut into blocks of a multiple of 16, [samples][positions][blocks][block], so that there is work for
/// several threads on one sample.
typedef struct {
    size_t samples, blocks, positions, block;
    /// Values from one position of a block to the next: block, or in channels last that are cut blocks * block.
    size_t step;
    /// Whether values are bf16, two bytes each, and not f32.
    int narrow;
} hl_planes;
