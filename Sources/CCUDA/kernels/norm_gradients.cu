// See include/kernels/norms.h.
#include "norm_tiles.cuh"

/// Calls use(at, g, x) for the gradient behind ReLU and the input of all rows of a share.
template <bool NARROW, int WIDTH, class Use>
HL_DEVICE void for_gradients(const hl_cuda_norm_back &a, const norm_share &s, const norm_factors<WIDTH> &f, Use use) {
    enum { BATCH = 2 };
    packed_vector<NARROW, WIDTH> gradient[BATCH], x[BATCH], addend[BATCH] = {}, output[BATCH] = {};
    for_rows<BATCH>(
        s, a.tiling.channels,
        [&](int k, unsigned long at) {
            gradient[k] = load_packed<NARROW, WIDTH>(a.gradient.at, at);
            x[k] = load_packed<NARROW, WIDTH>(a.x.at, at);
            if (a.addend.at) addend[k] = load_packed<NARROW, WIDTH>(a.addend.at, at);
            if (a.mask == HL_CUDA_MASK_OF_OUTPUT) output[k] = load_packed<NARROW, WIDTH>(a.output.at, at);
        },
        [&](int k, unsigned long at) {
            float g[WIDTH], values[WIDTH];
            for (int j = 0; j < WIDTH; j++) {
                values[j] = part(x[k], j);
                g[j] = part(gradient[k], j);
            }
            if (a.addend.at)
                for (int j = 0; j < WIDTH; j++) g[j] = rounded<NARROW>(g[j] + part(addend[k], j));
            // The norm as the way forward computed it.
            if (a.mask == HL_CUDA_MASK_OF_OUTPUT)
                for (int j = 0; j < WIDTH; j++) g[j] = part(output[k], j) > 0 ? g[j] : 0;
            else if (a.mask == HL_CUDA_MASK_OF_NORM)
                for (int j = 0; j < WIDTH; j++) g[j] = values[j] * f.scale[j] + f.shift[j] > 0 ? g[j] : 0;
            use(at, g, values);
        });
}

/// The same behind pooling.
template <bool NARROW, int WIDTH, int REACH, class Use>
HL_DEVICE void for_pooled_gradients(const hl_cuda_norm_back &a, const norm_share &s, Use use) {
    packed_vector<NARROW, WIDTH> x;
    for_rows<1>(
        s, a.tiling.channels, [&](int, unsigned long at) { x = load_packed<NARROW, WIDTH>(a.x.at, at); },
        [&](int, unsigned long at) {
            float g[WIDTH], values[WIDTH];
            pool_back<NARROW, WIDTH, REACH>(a, a.tiling.channels, (unsigned)(at / a.tiling.channels), s.channel, g);
            for (int j = 0; j < WIDTH; j++) values[j] = part(x, j);
            use(at, g, values);
        });
}

/// REACH is that of pooling, -1 where there is none.
template <bool NARROW, int WIDTH, int REACH>
HL_DEVICE void sum_gradients(const hl_cuda_norm_back &a, float *memory) {
    const norm_share s = share_of_tile<WIDTH>(a.tiling, blockIdx.x);
    const norm_factors<WIDTH> f = load_factors<WIDTH>(a.norm, s);
    float sums[2 * WIDTH] = {};
    const auto use = [&](unsigned long at, const float *g, const float *x) {
        for (int j = 0; j < WIDTH; j++) {
            sums[j] += g[j];
            sums[WIDTH + j] += g[j] * (x[j] - f.mean[j]);
        }
        if (a.kept.at) store_packed<NARROW, WIDTH>(a.kept.at, at, g);
    };
    if constexpr (REACH < 0)
        for_gradients<NARROW, WIDTH>(a, s, f, use);
    else
        for_pooled_gradients<NARROW, WIDTH, REACH>(a, s, use);
    add_tile<WIDTH>(a.tiling, s, sums, memory, a.partial);
}

HL_KERNEL(norm_back_sums) {
    HL_SHARED(float, memory, 16 * HL_CUDA_THREADS);
    HL_FOR_VECTORS(a.x.narrow, a.tiling.wide, sum_gradients<NARROW, WIDTH, -1>(a, memory));
}

HL_KERNEL(norm_pool_back_sums) {
    HL_SHARED(float, memory, 16 * HL_CUDA_THREADS);
    if (a.window <= 2 * a.stride)
        HL_FOR_VECTORS(a.x.narrow, a.tiling.wide, sum_gradients<NARROW, WIDTH, 2>(a, memory));
    else
        HL_FOR_VECTORS(a.x.narrow, a.tiling.wide, sum_gradients<NARROW, WIDTH, 0>(a, memory));
}

HL_DEVICE void settle_slopes(const hl_cuda_norm_slopes &r, unsigned group, unsigned channel, norm_sum_pair sum) {
    const unsigned long at = (unsigned long)group * r.channels + channel;
    const double inverse = r.inverse[at], scale = inverse * (r.weight ? (double)r.weight[channel] : 1);
    const double slope = -scale * inverse * inverse * sum.second / r.count;
    r.slope[at] = r.of_batch ? (float)slope : 0;
    r.offset[at] = r.of_batch ? (float)(-scale * sum.first / r.count - slope * (double)r.mean[at]) : 0;
}

HL_KERNEL(norm_back_statistics) {
    HL_SHARED(double, memory, 2 * HL_CUDA_THREADS);
    const unsigned lane = threadIdx.x / norm_channels, channels = a.slopes.channels;
    const unsigned channel = blockIdx.x * norm_channels + threadIdx.x % norm_channels;
    const bool writes = !lane && channel < channels;
    float weight = 0, bias = 0;
    for (unsigned group = 0; group < a.slopes.groups; group++) {
        const norm_sum_pair sum =
            add_lanes(sum_tiles(a.partial, group, a.tiles, lane, norm_lanes, channels, channel), memory);
        if (!writes) continue;
        const unsigned long at = (unsigned long)group * channels + channel;
        weight += (float)(sum.second * (double)a.slopes.inverse[at]);
        bias += (float)sum.first;
        if (a.own) {
            a.own[at] = (float)sum.first;
            a.own[(unsigned long)a.slopes.groups * channels + at] = (float)sum.second;
        } else {
            settle_slopes(a.slopes, group, channel, sum);
        }
    }
    if (writes) {
        a.weight[channel] = weight;
        a.bias[channel] = bias;
    }
}

HL_KERNEL(norm_back_over_ranks) {
    const unsigned count = a.slopes.groups * a.slopes.channels;
    HL_FOR_EACH(i, count) {
        norm_sum_pair sum = {0, 0};
        for (unsigned rank = 0; rank < a.ranks; rank++) {
            sum.first += (double)a.all[2ul * rank * count + i];
            sum.second += (double)a.all[(2ul * rank + 1) * count + i];
        }
        settle_slopes(a.slopes, i / a.slopes.channels, i % a.slopes.channels, sum);
    }
}

template <bool NARROW, int WIDTH, int REACH>
HL_DEVICE void apply_gradients(const hl_cuda_norm_back &a) {
    const norm_share s = share_of_tile<WIDTH>(a.tiling, gridDim.x - 1 - blockIdx.x);
    const norm_factors<WIDTH> f = load_factors<WIDTH>(a.norm, s);
    float slope[WIDTH] = {}, offset[WIDTH] = {};
    if (s.row < s.last) {
        load_floats<WIDTH>(a.slope, (unsigned long)s.group * a.step + s.channel, 0, slope);
        load_floats<WIDTH>(a.offset, (unsigned long)s.group * a.step + s.channel, 0, offset);
    }
    const auto use = [&](unsigned long at, const float *g, const float *x) {
        float result[WIDTH];
        for (int j = 0; j < WIDTH; j++) result[j] = f.scale[j] * g[j] + slope[j] * x[j] + offset[j];
        store_packed<NARROW, WIDTH>(a.result.at, at, result);
    };
    if constexpr (REACH < 0)
        for_gradients<NARROW, WIDTH>(a, s, f, use);
    else
        for_pooled_gradients<NARROW, WIDTH, REACH>(a, s, use);
}

HL_KERNEL(norm_back_apply) { HL_FOR_VECTORS(a.x.narrow, a.tiling.wide, apply_gradients<NARROW, WIDTH, -1>(a)); }

HL_KERNEL(norm_pool_back_apply) {
    if (a.window <= 2 * a.stride)
        HL_FOR_VECTORS(a.x.narrow, a.tiling.wide, apply_gradients<NARROW, WIDTH, 2>(a));
    else
        HL_FOR_VECTORS(a.x.narrow, a.tiling.wide, apply_gradients<NARROW, WIDTH, 0>(a));
}

HL_KERNEL(conditional_norm_back) {
    HL_SHARED(double, memory, 2 * HL_CUDA_THREADS);
    const unsigned lane = threadIdx.x / norm_channels, channels = a.slopes.channels;
    const unsigned channel = blockIdx.x * norm_channels + threadIdx.x % norm_channels;
    const double inverse = channel < channels ? (double)a.slopes.inverse[channel] : 0;
    norm_sum_pair total = {0, 0};
    for (unsigned sample = lane; sample < a.samples && channel < channels; sample += norm_lanes) {
        const norm_sum_pair own = sum_tiles(a.partial, sample, a.tiles, 0, 1, channels, channel);
        const unsigned long at = (unsigned long)sample * channels + channel;
        const double gain = a.gain[at];
        a.gain_gradient[at] = (float)(own.second * inverse);
        a.shift_gradient[at] = (float)own.first;
        total.first += gain * own.first;
        total.second += gain * own.second;
    }
    total = add_lanes(total, memory);
    if (lane || channel >= channels) return;
    if (a.own) {
        a.own[channel] = (float)total.first;
        a.own[channels + channel] = (float)total.second;
    } else {
        settle_slopes(a.slopes, 0, channel, total);
    }
}
