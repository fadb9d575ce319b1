// See include/kernels/random.h. The CPU's random.c has the sources, and the same arithmetic in the same order.
#include "../include/kernels/random.h"
#include "device.cuh"

struct random_words {
    unsigned x[4];
};

/// Philox4x32-10 of the counter (number, 0, id low, id high).
HL_DEVICE random_words random_block(const unsigned *sequence, unsigned number) {
    unsigned x0 = number, x1 = 0, x2 = sequence[2], x3 = sequence[3];
    unsigned key_low = sequence[0], key_high = sequence[1];
    for (int round = 0; round < 10; round++) {
        const unsigned long long first = (unsigned long long)x0 * 0xD2511F53u;
        const unsigned long long second = (unsigned long long)x2 * 0xCD9E8D57u;
        x0 = (unsigned)(second >> 32) ^ x1 ^ key_low;
        x2 = (unsigned)(first >> 32) ^ x3 ^ key_high;
        x1 = (unsigned)second;
        x3 = (unsigned)first;
        key_low += 0x9E3779B9u;
        key_high += 0xBB67AE85u;
    }
    random_words result;
    result.x[0] = x0;
    result.x[1] = x1;
    result.x[2] = x2;
    result.x[3] = x3;
    return result;
}

/// The standard normal distribution's quantile at (word + ½) / 2³². The distances from the median and from the nearer
/// tail both come from integers, so that neither loses digits.
HL_DEVICE float random_quantile(unsigned word) {
    const float unit = 2.3283064365386963e-10f;  // 2⁻³²
    const unsigned sign = word & 0x80000000u ? 0 : 0xffffffffu;
    const int steps = (int)(word ^ 0x80000000u ^ sign);
    const float q = unit * ((float)steps + 0.5f);
    const float p = unit * ((float)(0x7fffffff - steps) + 0.5f);
    const float a = 4.0f * p * (1.0f - p);

    // w = -log2 a
    const int bits = (int)bits_of(a);
    const int exponent = (bits - 0x3f3504f3) >> 23;
    const float f = float_of((unsigned)bits - ((unsigned)exponent << 23)) - 1.0f;
    float l = 1.2583685812e-01f;
    l = l * f + -2.0726975479e-01f;
    l = l * f + 2.1571566906e-01f;
    l = l * f + -2.3894482536e-01f;
    l = l * f + 2.8791624253e-01f;
    l = l * f + -3.6070368243e-01f;
    l = l * f + 4.8091064309e-01f;
    l = l * f + -7.2134734681e-01f;
    l = l * f + 1.4426950037e+00f;
    const float w = -(l * f + (float)exponent);

    float n = 4.253894766e-08f;
    n = n * w + 1.900905436e-05f;
    n = n * w + 5.256386459e-04f;
    n = n * w + 8.343148330e-03f;
    n = n * w + 8.745695045e-02f;
    n = n * w + 6.203107547e-01f;
    n = n * w + 2.506628250e+00f;
    float m = 5.994231460e-07f;
    m = m * w + 5.739940146e-05f;
    m = m * w + 7.700638414e-04f;
    m = m * w + 1.665244678e-02f;
    m = m * w + 6.600248225e-02f;
    m = m * w + 1.0f;
    return float_of(bits_of(q * n / m) ^ (sign & 0x80000000u));
}

HL_KERNEL(normals) {
    HL_FOR_EACH(i, a.rows * a.blocks) {
        const unsigned row = i / a.blocks, number = i % a.blocks, start = 4 * number;
        const random_words words = random_block(a.sequences + 4 * (unsigned long)row, number);
        float values[4];
        for (unsigned k = 0; k < 4; k++) values[k] = random_quantile(words.x[k]);
        float *at = a.y + (unsigned long)row * a.count + start;
        if (a.count % 4 == 0) {
            float4 all;
            all.x = values[0];
            all.y = values[1];
            all.z = values[2];
            all.w = values[3];
            *(float4 *)at = all;
        } else {
            for (unsigned k = 0; k < 4; k++)
                if (start + k < a.count) at[k] = values[k];
        }
    }
}
