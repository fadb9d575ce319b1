#include "hl_layout.h"

#include "blocks.h"
#include "clones.h"
#include "values.h"

HL_INLINE void block_planes(hl_planes p, size_t channels, size_t first, size_t last, const void *plain, void *blocked,
                            int narrow) {
    for (size_t n = first; n < last; n++)
        for (size_t b = 0; b < p.blocks; b++) {
            void *target = into(blocked, (n * p.blocks + b) * p.positions * p.block, narrow);
            for (size_t j = 0; j < p.block; j++) {
                const size_t channel = b * p.block + j;
                const void *source = from(plain, (n * channels + channel) * p.positions, narrow);
                if (channel < channels)
                    for (size_t i = 0; i < p.positions; i++)
                        store(target, i * p.block + j, loaded(source, i, narrow), narrow);
                else
                    for (size_t i = 0; i < p.positions; i++) store(target, i * p.block + j, 0, narrow);
            }
        }
}

HL_CLONES void hl_block(hl_planes p, size_t channels, size_t first, size_t last, const void *plain, void *blocked) {
    HL_FOR_VALUES(p.narrow, block_planes(p, channels, first, last, plain, blocked, NARROW));
}

HL_INLINE void unblock_planes(hl_planes p, size_t channels, size_t first, size_t last, const void *blocked, void *plain,
                              int narrow) {
    for (size_t n = first; n < last; n++)
        for (size_t b = 0; b < p.blocks; b++) {
            const void *source = from(blocked, (n * p.blocks + b) * p.positions * p.block, narrow);
            for (size_t j = 0; j < p.block && b * p.block + j < channels; j++) {
                void *target = into(plain, (n * channels + b * p.block + j) * p.positions, narrow);
                for (size_t i = 0; i < p.positions; i++)
                    store(target, i, loaded(source, i * p.block + j, narrow), narrow);
            }
        }
}

HL_CLONES void hl_unblock(hl_planes p, size_t channels, size_t first, size_t last, const void *blocked, void *plain) {
    HL_FOR_VALUES(p.narrow, unblock_planes(p, channels, first, last, blocked, plain, NARROW));
}
