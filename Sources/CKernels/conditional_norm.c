#include "hl_conditional_norm.h"

#include "clones.h"
#include "norm_backward.h"
#include "values.h"

// Of a sample's block: what stands behind ReLU, whose mask is made of the input.
static behind_relu block_of(hl_planes p, size_t task, const void *x, const void *gradient, const float *scale,
                            const float *shift) {
    const size_t start = start_of(p, task / p.blocks, task % p.blocks), at = task * p.block;
    return (behind_relu){
        from(gradient, start, p.narrow), NULL, NULL, from(x, start, p.narrow), scale + at, shift + at, 0};
}

HL_CLONES void hl_conditional_norm_sums(hl_planes p, size_t task, const void *x, const void *gradient,
                                        const float *scale, const float *shift, const float *mean, float *sum,
                                        float *centred) {
    const behind_relu b = block_of(p, task, x, gradient, scale, shift);
    const size_t at = task * p.block, channel = task % p.blocks * p.block;
    HL_FOR_VALUES(p.narrow,
                  sums_of_sample(p, b, MASK_OF_INPUT, IS_READ, NULL, mean + channel, sum + at, centred + at, NARROW));
}

HL_CLONES void hl_conditional_norm_apply(hl_planes p, size_t task, const void *x, const void *gradient,
                                         const float *scale, const float *shift, const float *on_x, const float *offset,
                                         void *input_gradient) {
    const behind_relu b = block_of(p, task, x, gradient, scale, shift);
    const size_t channel = task % p.blocks * p.block;
    void *target = into(input_gradient, start_of(p, task / p.blocks, task % p.blocks), p.narrow);
    HL_FOR_VALUES(p.narrow,
                  backward_plane(p, b, MASK_OF_INPUT, target, b.scale, on_x + channel, offset + channel, NARROW));
}
