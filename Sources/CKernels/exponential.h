// e^x in plain C that compilers turn into vector code, where the C library's would be called once per value.
#pragma once
#include <stdint.h>
#include <string.h>

#include "clones.h"

/// Within 2 units in the last place for x from -87 to 88; below and above the results of these ends. e^x = 2^n e^r with
/// |r| <= ln 2 / 2, and e^r by the polynomial of Cephes' expf (Moshier 1992, https://www.netlib.org/cephes/).
HL_INLINE float hl_exp(float x) {
    float clamped = x < -87.0f ? -87.0f : x;
    clamped = clamped > 88.0f ? 88.0f : clamped;
    // Adding 1.5 * 2^23 rounds to the nearest integer.
    const float shifted = clamped * 1.44269504088896341f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    const float r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    const int32_t power = (bits - 0x4b400000 + 127) << 23;
    float scale;
    memcpy(&scale, &power, sizeof scale);
    return x != x ? x : p * scale;
}
