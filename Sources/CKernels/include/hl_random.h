// Counter-based random numbers (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
// https://doi.org/10.1145/2063384.2063405) and truncated normals from them.
#pragma once
#include <stdint.h>
#include <stddef.h>

/// One block of Philox4x32-10: `counter` (4 words) is replaced by its image under the key.
void hl_philox4x32(uint32_t key_low, uint32_t key_high, uint32_t *counter);

/// The first `per_sample` words of each sample's sequence, [count, per_sample]: word j of sample `id` is word j % 4 of
/// the block at counter (j / 4, 0, id low, id high) under the key.
void hl_random_words(uint32_t key_low, uint32_t key_high, const int64_t *ids, size_t count, size_t per_sample,
                     uint32_t *out);

/// Normals truncated to mean ± trunc·std, [count, per_sample], for samples first_id, first_id + 1, …: value j of a
/// sample is made from word j of its sequence, by inverting the distribution function at (word + ½) / 2³².
///
/// `trunc` counts standard deviations, as in scipy's truncnorm(-trunc, trunc, mean, std)
/// (https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.truncnorm.html); infinity gives the plain normal.
/// Every value lies within the interval. The bits depend on neither the instruction set nor how samples are batched.
void hl_truncated_normal(uint32_t key_low, uint32_t key_high, int64_t first_id, size_t count, size_t per_sample,
                         double mean, double std, double trunc, float *out);

/// The same for arbitrary ids.
void hl_truncated_normal_ids(uint32_t key_low, uint32_t key_high, const int64_t *ids, size_t count, size_t per_sample,
                             double mean, double std, double trunc, float *out);

/// The same from given words: the quantile function alone.
void hl_truncated_normal_quantiles(const uint32_t *words, size_t count, double mean, double std, double trunc,
                                   float *out);
