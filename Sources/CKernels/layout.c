#include "hl_layout.h"

#include "clones.h"

HL_CLONES void hl_block(hl_planes p, size_t channels, size_t first, size_t last, const float *plain, float *blocked) {
    for (size_t n = first; n < last; n++)
        for (size_t b = 0; b < p.blocks; b++) {
            float *target = blocked + (n * p.blocks + b) * p.positions * p.block;
            for (size_t j = 0; j < p.block; j++) {
                const size_t channel = b * p.block + j;
                const float *source = plain + (n * channels + channel) * p.positions;
                if (channel < channels)
                    for (size_t i = 0; i < p.positions; i++) target[i * p.block + j] = source[i];
                else
                    for (size_t i = 0; i < p.positions; i++) target[i * p.block + j] = 0;
            }
        }
}

HL_CLONES void hl_unblock(hl_planes p, size_t channels, size_t first, size_t last, const float *blocked, float *plain) {
    for (size_t n = first; n < last; n++)
        for (size_t b = 0; b < p.blocks; b++) {
            const float *source = blocked + (n * p.blocks + b) * p.positions * p.block;
            for (size_t j = 0; j < p.block && b * p.block + j < channels; j++) {
                float *target = plain + (n * channels + b * p.block + j) * p.positions;
                for (size_t i = 0; i < p.positions; i++) target[i] = source[i * p.block + j];
            }
        }
}
