// The sums of batch normalisation's way back.
#include "blocks.h"
#include "clones.h"
#include "hl_batch_norm.h"
#include "norm_backward.h"
#include "values.h"

HL_INLINE void sums_by_fate(hl_planes p, behind_relu b, int mask, void *kept, const float *mean, float *sum,
                            float *centred, int narrow) {
    if (kept && b.addend)
        sums_of_sample(p, b, mask, SUM_IS_KEPT, kept, mean, sum, centred, narrow);
    else if (kept)
        sums_of_sample(p, b, mask, IS_KEPT, kept, mean, sum, centred, narrow);
    else
        sums_of_sample(p, b, mask, IS_READ, NULL, mean, sum, centred, narrow);
}

HL_CLONES void hl_batch_norm_backward_sums(hl_planes p, size_t which, const void *gradient, const void *addend,
                                           hl_relu_mask relu, const void *x, const float *mean, double *sum,
                                           double *sum_centred, void *kept, float *scratch) {
    float *s = scratch, *c = scratch + p.block;
    for (size_t j = 0; j < p.block; j++) sum[j] = sum_centred[j] = 0;
    for (size_t n = 0; n < p.samples; n++) {
        const size_t at = start_of(p, n, which);
        const behind_relu b = {from(gradient, at, p.narrow),
                               from(addend, at, p.narrow),
                               from(relu.output, at, p.narrow),
                               from(x, at, p.narrow),
                               relu.scale,
                               relu.shift,
                               0};
        void *target = into(kept, at, p.narrow);
        HL_FOR_MASK(relu, HL_FOR_VALUES(p.narrow, sums_by_fate(p, b, MASK, target, mean, s, c, NARROW)));
        for (size_t j = 0; j < p.block; j++) {
            sum[j] += s[j];
            sum_centred[j] += c[j];
        }
    }
}
