// Pixels between F32 0…1 and U8 0…255.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// round(255 x), clamped, as torchvision.utils.save_image does it; NaN becomes 0.
/// https://docs.pytorch.org/vision/stable/generated/torchvision.utils.save_image.html
void hl_round_pixels(const float *pixels, uint8_t *out, size_t n);
