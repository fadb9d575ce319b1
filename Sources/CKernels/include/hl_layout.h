// From one layout of activations to another.
#pragma once
#include "hl_planes.h"

/// Between row-major [samples][channels][positions] and that of the planes (blocks, channels last), samples first..<last;
/// padding becomes 0. Both are f32 or bf16, as the planes say.
/// nChw16c of https://uxlfoundation.github.io/oneDNN/dev_guide_understanding_memory_formats.html#blocked-layout
void hl_block(hl_planes p, size_t channels, size_t first, size_t last, const void *plain, void *blocked);
void hl_unblock(hl_planes p, size_t channels, size_t first, size_t last, const void *blocked, void *plain);
