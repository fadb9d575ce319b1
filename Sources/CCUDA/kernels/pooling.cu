// See include/kernels/pooling.h.
#include "../include/kernels/pooling.h"
#include "pooled.cuh"

template <bool NARROW, int WIDTH, int SIZE>
HL_DEVICE void pool_all(const hl_cuda_max_pool &a) {
    const unsigned vectors = a.channels / WIDTH;
    HL_FOR_EACH(i, a.count) {
        const unsigned channel = i % vectors * WIDTH, place = i / vectors;
        float best[WIDTH];
        unsigned chosen[WIDTH];
        pool_window<NARROW, WIDTH, SIZE>(
            a, a.channels, place, channel, [](float x, int) { return x; }, best, chosen);
        store_packed<NARROW, WIDTH>(a.y.at, (unsigned long)i * WIDTH, best);
        store_chosen<WIDTH>(a.chosen, (unsigned long)i * WIDTH, chosen);
    }
}

HL_KERNEL(max_pool) {
    if (a.window == 3)
        HL_FOR_VECTORS(a.x.narrow, a.wide, pool_all<NARROW, WIDTH, 3>(a));
    else
        HL_FOR_VECTORS(a.x.narrow, a.wide, pool_all<NARROW, WIDTH, 0>(a));
}

template <bool NARROW, int WIDTH, int REACH>
HL_DEVICE void pool_all_back(const hl_cuda_max_pool_back &a) {
    const unsigned vectors = a.channels / WIDTH;
    HL_FOR_EACH(i, a.count) {
        float sum[WIDTH];
        pool_back<NARROW, WIDTH, REACH>(a, a.channels, i / vectors, i % vectors * WIDTH, sum);
        store_packed<NARROW, WIDTH>(a.result.at, (unsigned long)i * WIDTH, sum);
    }
}

HL_KERNEL(max_pool_back) {
    if (a.window <= 2 * a.stride)
        HL_FOR_VECTORS(a.gradient.narrow, a.wide, pool_all_back<NARROW, WIDTH, 2>(a));
    else
        HL_FOR_VECTORS(a.gradient.narrow, a.wide, pool_all_back<NARROW, WIDTH, 0>(a));
}
