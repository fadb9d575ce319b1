#include "hl_conditional_norm.h"

#include "blocks.h"
#include "clones.h"
#include "values.h"

enum { LANES = 16 };

HL_INLINE float behind(float gradient, float x, float scale, float shift) {
    return x * scale + shift > 0 ? gradient : 0;
}

// Onto what `sum` and `centred` hold.
HL_INLINE void sums_of(const void *x, const void *gradient, size_t positions, size_t block, size_t step,
                       const float *scale, const float *shift, const float *mean, float *sum, float *centred,
                       int narrow) {
    if (step == 1) {
        float s[LANES] = {0}, c[LANES] = {0};
        size_t i = 0;
        for (; i + LANES <= positions; i += LANES)
            for (size_t j = 0; j < LANES; j++) {
                const float value = loaded(x, i + j, narrow);
                const float g = behind(loaded(gradient, i + j, narrow), value, scale[0], shift[0]);
                s[j] += g;
                c[j] += g * (value - mean[0]);
            }
        for (; i < positions; i++) {
            const float value = loaded(x, i, narrow);
            const float g = behind(loaded(gradient, i, narrow), value, scale[0], shift[0]);
            s[0] += g;
            c[0] += g * (value - mean[0]);
        }
        for (size_t j = 0; j < LANES; j++) {
            sum[0] += s[j];
            centred[0] += c[j];
        }
        return;
    }
    float a[PIECE], b[PIECE], m[PIECE], s[PIECE], c[PIECE];
    for (size_t j = 0; j < block; j++) a[j] = scale[j];
    for (size_t j = 0; j < block; j++) b[j] = shift[j];
    for (size_t j = 0; j < block; j++) m[j] = mean[j];
    for (size_t j = 0; j < block; j++) s[j] = sum[j];
    for (size_t j = 0; j < block; j++) c[j] = centred[j];
    HL_ONE_BLOCK_AT_A_TIME
    for (size_t i = 0; i < positions; i++)
        for (size_t j = 0; j < block; j++) {
            const size_t at = i * step + j;
            const float value = loaded(x, at, narrow);
            const float g = behind(loaded(gradient, at, narrow), value, a[j], b[j]);
            s[j] += g;
            c[j] += g * (value - m[j]);
        }
    for (size_t j = 0; j < block; j++) sum[j] = s[j];
    for (size_t j = 0; j < block; j++) centred[j] = c[j];
}

HL_INLINE void apply_to(const void *x, const void *gradient, size_t positions, size_t block, size_t step,
                        const float *scale, const float *shift, const float *on_x, const float *offset, void *out,
                        int narrow) {
    if (step == 1) {
        const float a = scale[0], b = shift[0], slope = on_x[0], c = offset[0];
        for (size_t i = 0; i < positions; i++) {
            const float value = loaded(x, i, narrow);
            store(out, i, behind(loaded(gradient, i, narrow), value, a, b) * a + slope * value + c, narrow);
        }
        return;
    }
    float a[PIECE], b[PIECE], slope[PIECE], c[PIECE];
    for (size_t j = 0; j < block; j++) a[j] = scale[j];
    for (size_t j = 0; j < block; j++) b[j] = shift[j];
    for (size_t j = 0; j < block; j++) slope[j] = on_x[j];
    for (size_t j = 0; j < block; j++) c[j] = offset[j];
    HL_ONE_BLOCK_AT_A_TIME
    for (size_t at = 0; at < positions * step; at += step) {
        // By way of a local array: what is read cannot then be what has just been written.
        float d[PIECE];
        for (size_t j = 0; j < block; j++) {
            const float value = loaded(x, at + j, narrow);
            const float g = behind(loaded(gradient, at + j, narrow), value, a[j], b[j]);
            d[j] = g * a[j] + slope[j] * value + c[j];
        }
        for (size_t j = 0; j < block; j++) store(out, at + j, d[j], narrow);
    }
}

HL_INLINE void sums_of_block(hl_planes p, const void *x, const void *gradient, const float *scale, const float *shift,
                             const float *mean, float *sum, float *centred, int narrow) {
    for (size_t j = 0; j < p.block; j++) sum[j] = centred[j] = 0;
    HL_FOR_PIECES(p.positions, p.block, p.step, {
        const size_t at = PLACE * STEP + CHANNEL;
        sums_of(from(x, at, narrow), from(gradient, at, narrow), COUNT, BLOCK, STEP, scale + CHANNEL, shift + CHANNEL,
                mean + CHANNEL, sum + CHANNEL, centred + CHANNEL, narrow);
    });
}

HL_CLONES void hl_conditional_norm_sums(hl_planes p, size_t task, const void *x, const void *gradient,
                                        const float *scale, const float *shift, const float *mean, float *sum,
                                        float *centred) {
    const size_t start = start_of(p, task / p.blocks, task % p.blocks);
    const size_t at = task * p.block, channel = task % p.blocks * p.block;
    const void *source = from(x, start, p.narrow), *g = from(gradient, start, p.narrow);
    HL_FOR_VALUES(p.narrow,
                  sums_of_block(p, source, g, scale + at, shift + at, mean + channel, sum + at, centred + at, NARROW));
}

HL_INLINE void apply_to_block(hl_planes p, const void *x, const void *gradient, const float *scale, const float *shift,
                              const float *on_x, const float *offset, void *out, int narrow) {
    HL_FOR_PIECES(p.positions, p.block, p.step, {
        const size_t at = PLACE * STEP + CHANNEL;
        apply_to(from(x, at, narrow), from(gradient, at, narrow), COUNT, BLOCK, STEP, scale + CHANNEL, shift + CHANNEL,
                 on_x + CHANNEL, offset + CHANNEL, into(out, at, narrow), narrow);
    });
}

HL_CLONES void hl_conditional_norm_apply(hl_planes p, size_t task, const void *x, const void *gradient,
                                         const float *scale, const float *shift, const float *on_x, const float *offset,
                                         void *input_gradient) {
    const size_t start = start_of(p, task / p.blocks, task % p.blocks);
    const size_t at = task * p.block, channel = task % p.blocks * p.block;
    const void *source = from(x, start, p.narrow), *g = from(gradient, start, p.narrow);
    void *target = into(input_gradient, start, p.narrow);
    HL_FOR_VALUES(p.narrow, apply_to_block(p, source, g, scale + at, shift + at, on_x + channel, offset + channel,
                                           target, NARROW));
}
