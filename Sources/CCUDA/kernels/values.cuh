// Values of activations, f32 or bf16, the exponential function, and pixels.
#pragma once
#include "device.cuh"

/// The upper half of an f32.
HL_DEVICE float widened(unsigned short value) { return float_of((unsigned)value << 16); }

/// To the nearest, ties to even; NaN stays NaN: the bits of values.h.
HL_DEVICE unsigned short narrowed(float value) {
    const unsigned bits = bits_of(value);
    const unsigned rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16, broken = (bits >> 16) | 0x40;
    return (unsigned short)((bits & 0x7fffffff) > 0x7f800000 ? broken : rounded);
}

HL_DEVICE float load(hl_cuda_values v, unsigned long i) {
    return v.narrow ? widened(((const unsigned short *)v.at)[i]) : ((const float *)v.at)[i];
}

HL_DEVICE void store(hl_cuda_values v, unsigned long i, float value) {
    if (v.narrow)
        ((unsigned short *)v.at)[i] = narrowed(value);
    else
        ((float *)v.at)[i] = value;
}

/// Four neighbours from i on, a multiple of 4: one access to memory.
HL_DEVICE float4 load4(hl_cuda_values v, unsigned long i) {
    if (!v.narrow) return *(const float4 *)((const float *)v.at + i);
    const uint2 pair = *(const uint2 *)((const unsigned short *)v.at + i);
    float4 result;
    result.x = float_of(pair.x << 16);
    result.y = float_of(pair.x & 0xffff0000u);
    result.z = float_of(pair.y << 16);
    result.w = float_of(pair.y & 0xffff0000u);
    return result;
}

HL_DEVICE void store4(hl_cuda_values v, unsigned long i, float4 value) {
    if (!v.narrow) {
        *(float4 *)((float *)v.at + i) = value;
        return;
    }
    uint2 pair;
    pair.x = (unsigned)narrowed(value.x) | (unsigned)narrowed(value.y) << 16;
    pair.y = (unsigned)narrowed(value.z) | (unsigned)narrowed(value.w) << 16;
    *(uint2 *)((unsigned short *)v.at + i) = pair;
}

/// e^x with the arithmetic, and the bits, of CKernels' exponential.h.
HL_DEVICE float hl_exp(float x) {
    float clamped = x < -87.0f ? -87.0f : x;
    clamped = clamped > 88.0f ? 88.0f : clamped;
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
    return x != x ? x : p * float_of((bits_of(shifted) - 0x4b400000u + 127u) << 23);
}

/// 0 … 1 as 0 … 255, to the nearest and cut off at both ends; NaN becomes 0.
HL_DEVICE unsigned char rounded_pixel(float x) {
    float v = x * 255.0f + 0.5f;
    v = v > 0.0f ? v : 0.0f;
    v = v < 255.0f ? v : 255.0f;
    return (unsigned char)v;
}
