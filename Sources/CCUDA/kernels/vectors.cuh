// Neighbours along the channels in one access of 16 bytes, 8 of bf16 or 4 of f32, or one value alone.
#pragma once
#include "values.cuh"

#ifndef __CUDACC_RTC__
// Aligned as on the card.
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
#endif

/// Runs a call with NARROW and WIDTH, constants, for values of either type, in vectors or one by one.
#define HL_FOR_VECTORS(narrow, wide, ...)  \
    do {                                   \
        if (narrow) {                      \
            constexpr bool NARROW = true;  \
            if (wide) {                    \
                constexpr int WIDTH = 8;   \
                __VA_ARGS__;               \
            } else {                       \
                constexpr int WIDTH = 1;   \
                __VA_ARGS__;               \
            }                              \
        } else {                           \
            constexpr bool NARROW = false; \
            if (wide) {                    \
                constexpr int WIDTH = 4;   \
                __VA_ARGS__;               \
            } else {                       \
                constexpr int WIDTH = 1;   \
                __VA_ARGS__;               \
            }                              \
        }                                  \
    } while (0)

/// As they lie in memory, so that those on their way take few registers.
template <bool NARROW, int WIDTH>
struct packed_vector {
    unsigned words[WIDTH == 1 ? 1 : 4];
};

/// Those from i on, a multiple of WIDTH.
template <bool NARROW, int WIDTH>
HL_DEVICE packed_vector<NARROW, WIDTH> load_packed(const void *from, unsigned long i) {
    packed_vector<NARROW, WIDTH> v;
    if constexpr (WIDTH > 1) {
        const uint4 words = *(const uint4 *)((const char *)from + i * (NARROW ? 2 : 4));
        v.words[0] = words.x;
        v.words[1] = words.y;
        v.words[2] = words.z;
        v.words[3] = words.w;
    } else if constexpr (NARROW) {
        v.words[0] = (unsigned)((const unsigned short *)from)[i] << 16;
    } else {
        v.words[0] = bits_of(((const float *)from)[i]);
    }
    return v;
}

/// One of them.
template <bool NARROW, int WIDTH>
HL_DEVICE float part(const packed_vector<NARROW, WIDTH> &v, int j) {
    if constexpr (NARROW && WIDTH > 1) return float_of(j % 2 ? v.words[j / 2] & 0xffff0000u : v.words[j / 2] << 16);
    return float_of(v.words[j]);
}

template <bool NARROW, int WIDTH>
HL_DEVICE void store_packed(void *to, unsigned long i, const float *values) {
    if constexpr (WIDTH > 1) {
        unsigned words[4];
        for (int j = 0; j < 4; j++)
            if constexpr (NARROW)
                words[j] = (unsigned)narrowed(values[2 * j]) | (unsigned)narrowed(values[2 * j + 1]) << 16;
            else
                words[j] = bits_of(values[j]);
        uint4 four;
        four.x = words[0];
        four.y = words[1];
        four.z = words[2];
        four.w = words[3];
        *(uint4 *)((char *)to + i * (NARROW ? 2 : 4)) = four;
    } else if constexpr (NARROW) {
        ((unsigned short *)to)[i] = narrowed(values[0]);
    } else {
        ((float *)to)[i] = values[0];
    }
}

/// As a value that was stored.
template <bool NARROW>
HL_DEVICE float rounded(float value) {
    return NARROW ? widened(narrowed(value)) : value;
}

/// WIDTH floats from i on, or `otherwise` where there are none.
template <int WIDTH>
HL_DEVICE void load_floats(const float *from, unsigned long i, float otherwise, float *values) {
    if (!from) {
        for (int j = 0; j < WIDTH; j++) values[j] = otherwise;
    } else if constexpr (WIDTH == 1) {
        values[0] = from[i];
    } else {
        for (int j = 0; j < WIDTH; j += 4) {
            const float4 four = *(const float4 *)(from + i + j);
            values[j] = four.x;
            values[j + 1] = four.y;
            values[j + 2] = four.z;
            values[j + 3] = four.w;
        }
    }
}
