// Philox4x32-10 and truncated normals from it (see hl_random.h).
//
// Plain loops that the compiler vectorises; every clone does the same operations in the same order, without fused
// multiply-adds, so all give the same bits.

#include "hl_random.h"

#include <math.h>
#include <string.h>

#include "clones.h"
#include "philox.h"

// Blocks made at a time: all scratch memory stays in the first-level cache.
enum { TILE = 256 };

void hl_philox4x32(uint32_t key_low, uint32_t key_high, uint32_t *counter) {
    uint64_t x[4] = {counter[0], counter[1], counter[2], counter[3]};
    philox_rounds(key_low, key_high, x);
    for (int i = 0; i < 4; i++) counter[i] = (uint32_t)x[i];
}

/// `words` [blocks, 4] from block numbers and ids.
HL_INLINE void philox_tile(uint32_t key_low, uint32_t key_high, const uint64_t *restrict numbers,
                           const uint64_t *restrict ids, int blocks, uint32_t *restrict words) {
#pragma clang loop vectorize(enable)
    for (int i = 0; i < blocks; i++) {
        uint64_t x[4] = {numbers[i], 0, ids[i], ids[i] >> 32};
        philox_rounds(key_low, key_high, x);
        words[4 * i] = (uint32_t)x[0];
        words[4 * i + 1] = (uint32_t)x[1];
        words[4 * i + 2] = (uint32_t)x[2];
        words[4 * i + 3] = (uint32_t)x[3];
    }
}

/// A truncated normal, prepared for the inner loop.
typedef struct {
    float tail;         // Φ(-t)
    float mass_scaled;  // (Φ(t) - Φ(-t)) / 2³²
    float mean, std;
    float low, high;
} distribution;

static distribution prepare(double mean, double std, double trunc) {
    distribution d;
    d.tail = (float)(0.5 * erfc(trunc * 0.70710678118654752440));
    d.mass_scaled = (float)(erf(trunc * 0.70710678118654752440) * 0x1p-32);
    d.mean = (float)mean;
    d.std = (float)std;
    // The nearest floats inside the interval; where there are none, it is a point to this precision.
    double low = mean - trunc * std, high = mean + trunc * std;
    if (std == 0) low = high = mean;
    d.low = (float)low;
    d.high = (float)high;
    if ((double)d.low < low) d.low = nextafterf(d.low, INFINITY);
    if ((double)d.high > high) d.high = nextafterf(d.high, -INFINITY);
    if (d.low > d.high) d.low = d.high = d.mean;
    return d;
}

// log2(1 + f) / f on [√½ - 1, √2 - 1], relative error 3e-8.
static const float log_c[9] = {
    1.4426950037e+00f,  -7.2134734681e-01f, 4.8091064309e-01f,  -3.6070368243e-01f, 2.8791624253e-01f,
    -2.3894482536e-01f, 2.1571566906e-01f,  -2.0726975479e-01f, 1.2583685812e-01f,
};

// Φ⁻¹(½ + q) / q as a ratio of polynomials in w = -log2(4 p (1 - p)), p = ½ - |q|; relative error 1e-8 for p ≥ 2^-33.2
// (weighted least squares, iterated to the minimax fit). All coefficients and w are positive: no cancellation.
static const float numerator_c[7] = {
    2.506628250e+00f, 6.203107547e-01f, 8.745695045e-02f, 8.343148330e-03f,
    5.256386459e-04f, 1.900905436e-05f, 4.253894766e-08f,
};
static const float denominator_c[6] = {
    1.0f, 6.600248225e-02f, 1.665244678e-02f, 7.700638414e-04f, 5.739940146e-05f, 5.994231460e-07f,
};

HL_INLINE float float_of(int32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

HL_INLINE int32_t bits_of(float value) {
    int32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

/// The quantile at (word + ½) / 2³². The distances from the median and from the nearer tail both come from integers,
/// so that neither loses digits: centre and both tails are equally accurate.
HL_INLINE float quantile(uint32_t word, const distribution d) {
    int32_t from_median = (int32_t)(word ^ 0x80000000u);
    int32_t sign = from_median >> 31;
    int32_t steps = from_median ^ sign;
    float q = d.mass_scaled * ((float)steps + 0.5f);
    float p = d.tail + d.mass_scaled * ((float)(0x7fffffff - steps) + 0.5f);
    float a = 4.0f * p * (1.0f - p);

    int32_t bits = bits_of(a);
    int32_t exponent = (bits - 0x3f3504f3) >> 23;
    float f = float_of(bits - (int32_t)((uint32_t)exponent << 23)) - 1.0f;
    float l = log_c[8];
    for (int i = 7; i >= 0; i--) l = l * f + log_c[i];
    float w = -(l * f + (float)exponent);

    float n = numerator_c[6];
    for (int i = 5; i >= 0; i--) n = n * w + numerator_c[i];
    float m = denominator_c[5];
    for (int i = 4; i >= 0; i--) m = m * w + denominator_c[i];

    float x = d.std * (q * n / m);
    x = d.mean + float_of(bits_of(x) ^ (int32_t)((uint32_t)sign & 0x80000000u));
    x = x < d.low ? d.low : x;
    return x > d.high ? d.high : x;
}

HL_INLINE void quantiles(const uint32_t *restrict words, size_t count, const distribution d, float *restrict out) {
#pragma clang loop vectorize(enable)
    for (size_t i = 0; i < count; i++) out[i] = quantile(words[i], d);
}

HL_CLONES void hl_truncated_normal_quantiles(const uint32_t *words, size_t count, double mean, double std, double trunc,
                                             float *out) {
    quantiles(words, count, prepare(mean, std, trunc), out);
}

/// Walks over all blocks of all samples, a tile at a time. `ids` may be null: then ids count up from `first_id`.
/// With `d` null the words themselves are written to `out`, else the truncated normals.
HL_INLINE void fill(uint32_t key_low, uint32_t key_high, const int64_t *ids, int64_t first_id, size_t count,
                    size_t per_sample, const distribution *d, void *out) {
    uint64_t numbers[TILE], tile_ids[TILE];
    uint32_t words[4 * TILE];
    float values[4 * TILE];
    char *target = out;
    size_t per_sample_blocks = per_sample / 4 + (per_sample % 4 != 0);
    size_t sample = 0, number = 0, written = 0;  // `written`: values of the current sample that are in `out`
    while (sample < count && per_sample > 0) {
        int blocks = 0;
        while (blocks < TILE && sample < count) {
            uint64_t id = ids ? (uint64_t)ids[sample] : (uint64_t)first_id + sample;
            size_t rest = per_sample_blocks - number, room = (size_t)(TILE - blocks);
            int run = (int)(rest < room ? rest : room);
            for (int i = 0; i < run; i++) {
                numbers[blocks + i] = number + (size_t)i;
                tile_ids[blocks + i] = id;
            }
            blocks += run;
            number += (size_t)run;
            if (number == per_sample_blocks) {
                number = 0;
                sample++;
            }
        }
        philox_tile(key_low, key_high, numbers, tile_ids, blocks, words);

        if (d && per_sample % 4 == 0) {
            quantiles(words, 4 * (size_t)blocks, *d, (float *)(void *)target);
            target += 16 * (size_t)blocks;
            continue;
        }
        const char *source = (const char *)words;
        if (d) {
            quantiles(words, 4 * (size_t)blocks, *d, values);
            source = (const char *)values;
        }
        // The last block of a sample may have words to spare.
        size_t available = 4 * (size_t)blocks;
        while (available > 0) {
            size_t wanted = per_sample - written, padded = 4 * per_sample_blocks - written;
            size_t taken = wanted < available ? wanted : available;
            memcpy(target, source, 4 * taken);
            target += 4 * taken;
            size_t used = padded < available ? padded : available;
            source += 4 * used;
            available -= used;
            written = used == padded ? 0 : written + taken;
        }
    }
}

HL_CLONES void hl_random_words(uint32_t key_low, uint32_t key_high, const int64_t *ids, size_t count, size_t per_sample,
                               uint32_t *out) {
    fill(key_low, key_high, ids, 0, count, per_sample, NULL, out);
}

HL_CLONES void hl_truncated_normal_ids(uint32_t key_low, uint32_t key_high, const int64_t *ids, size_t count,
                                       size_t per_sample, double mean, double std, double trunc, float *out) {
    distribution d = prepare(mean, std, trunc);
    fill(key_low, key_high, ids, 0, count, per_sample, &d, out);
}

HL_CLONES void hl_truncated_normal(uint32_t key_low, uint32_t key_high, int64_t first_id, size_t count,
                                   size_t per_sample, double mean, double std, double trunc, float *out) {
    distribution d = prepare(mean, std, trunc);
    fill(key_low, key_high, NULL, first_id, count, per_sample, &d, out);
}
