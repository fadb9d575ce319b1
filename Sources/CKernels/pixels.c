#include "hl_pixels.h"

#include "clones.h"

HL_CLONES void hl_round_pixels(const float *pixels, uint8_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float v = pixels[i] * 255.0f + 0.5f;
        v = v > 0.0f ? v : 0.0f;
        v = v < 255.0f ? v : 255.0f;
        out[i] = (uint8_t)v;
    }
}
