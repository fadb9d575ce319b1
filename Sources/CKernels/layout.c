#include "hl_layout.h"

#include "blocks.h"
#include "clones.h"
#include "values.h"

// `count` positions of `block` channels, of which `width` are there; the others become 0. The channels of `plain` lie
// `positions` values apart.
HL_INLINE void block_piece(const void *plain, size_t positions, void *blocked, size_t count, size_t block, size_t step,
                           size_t width, int narrow) {
    for (size_t j = 0; j < block; j++) {
        const void *source = from(plain, j * positions, narrow);
        if (j < width)
            for (size_t i = 0; i < count; i++) store(blocked, i * step + j, loaded(source, i, narrow), narrow);
        else
            for (size_t i = 0; i < count; i++) store(blocked, i * step + j, 0, narrow);
    }
}

HL_INLINE void unblock_piece(const void *blocked, void *plain, size_t positions, size_t count, size_t step,
                             size_t width, int narrow) {
    for (size_t j = 0; j < width; j++) {
        void *target = into(plain, j * positions, narrow);
        for (size_t i = 0; i < count; i++) store(target, i, loaded(blocked, i * step + j, narrow), narrow);
    }
}

// Channels of block `which` that are there, from channel `first` of it on, at most `most`.
HL_INLINE size_t channels_of(hl_planes p, size_t channels, size_t which, size_t first, size_t most) {
    const size_t start = which * p.block + first, rest = start < channels ? channels - start : 0;
    return rest < most ? rest : most;
}

HL_INLINE void block_planes(hl_planes p, size_t channels, size_t first, size_t last, const void *plain, void *blocked,
                            int narrow) {
    for (size_t n = first; n < last; n++)
        for (size_t b = 0; b < p.blocks; b++) {
            const void *source = from(plain, (n * channels + b * p.block) * p.positions, narrow);
            void *target = into(blocked, start_of(p, n, b), narrow);
            HL_FOR_PIECES(p.positions, p.block, p.step,
                          block_piece(from(source, CHANNEL * p.positions + PLACE, narrow), p.positions,
                                      into(target, PLACE * STEP + CHANNEL, narrow), COUNT, BLOCK, STEP,
                                      channels_of(p, channels, b, CHANNEL, BLOCK), narrow));
        }
}

HL_CLONES void hl_block(hl_planes p, size_t channels, size_t first, size_t last, const void *plain, void *blocked) {
    HL_FOR_VALUES(p.narrow, block_planes(p, channels, first, last, plain, blocked, NARROW));
}

HL_INLINE void unblock_planes(hl_planes p, size_t channels, size_t first, size_t last, const void *blocked, void *plain,
                              int narrow) {
    for (size_t n = first; n < last; n++)
        for (size_t b = 0; b < p.blocks; b++) {
            const void *source = from(blocked, start_of(p, n, b), narrow);
            void *target = into(plain, (n * channels + b * p.block) * p.positions, narrow);
            HL_FOR_PIECES(p.positions, p.block, p.step,
                          unblock_piece(from(source, PLACE * STEP + CHANNEL, narrow),
                                        into(target, CHANNEL * p.positions + PLACE, narrow), p.positions, COUNT, STEP,
                                        channels_of(p, channels, b, CHANNEL, BLOCK), narrow));
        }
}

HL_CLONES void hl_unblock(hl_planes p, size_t channels, size_t first, size_t last, const void *blocked, void *plain) {
    HL_FOR_VALUES(p.narrow, unblock_planes(p, channels, first, last, blocked, plain, NARROW));
}
