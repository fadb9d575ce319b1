// See include/kernels/norms.h.
#include "norm_tiles.cuh"

// MARK: Statistics

template <bool NARROW, int WIDTH>
HL_DEVICE void sum_moments(const hl_cuda_norm_sums &a, float *memory) {
    const norm_share s = share_of_tile<WIDTH>(a.tiling, blockIdx.x);
    // Around a value of the channel's own, which keeps the variance free of cancellation.
    packed_vector<NARROW, WIDTH> pivots = {}, x[4];
    if (s.row < s.last) pivots = load_packed<NARROW, WIDTH>(a.x.at, s.start);
    float pivot[WIDTH], sums[2 * WIDTH] = {};
    for (int j = 0; j < WIDTH; j++) pivot[j] = part(pivots, j);
    for_rows<4>(
        s, a.tiling.channels, [&](int k, unsigned long at) { x[k] = load_packed<NARROW, WIDTH>(a.x.at, at); },
        [&](int k, unsigned long) {
            for (int j = 0; j < WIDTH; j++) {
                const float distance = part(x[k], j) - pivot[j];
                sums[j] += distance;
                sums[WIDTH + j] += distance * distance;
            }
        });
    add_tile<WIDTH>(a.tiling, s, sums, memory, a.partial);
}

HL_KERNEL(norm_sums) {
    HL_SHARED(float, memory, 16 * HL_CUDA_THREADS);
    HL_FOR_VECTORS(a.x.narrow, a.tiling.wide, sum_moments<NARROW, WIDTH>(a, memory));
}

HL_DEVICE void settle_statistics(const hl_cuda_norm_results &r, unsigned group, unsigned channel, float mean,
                                 float variance) {
    const unsigned long at = (unsigned long)group * r.channels + channel;
    r.mean[at] = mean;
    r.inverse[at] = inverse_deviation(variance, r.epsilon);
    if (!r.running_mean) return;
    const float kept = 1 - r.momentum;
    r.running_mean[channel] = kept * r.running_mean[channel] + r.momentum * mean;
    r.running_variance[channel] = kept * r.running_variance[channel] + r.momentum * (variance * r.unbias);
}

HL_KERNEL(norm_statistics) {
    HL_SHARED(double, memory, 2 * HL_CUDA_THREADS);
    const unsigned lane = threadIdx.x / norm_channels, channels = a.results.channels;
    const unsigned channel = blockIdx.x * norm_channels + threadIdx.x % norm_channels;
    for (unsigned group = 0; group < a.results.groups; group++) {
        const norm_sum_pair sum =
            add_lanes(sum_tiles(a.partial, group, a.tiles, lane, norm_lanes, channels, channel), memory);
        if (lane || channel >= channels) continue;
        const double shift = sum.first / a.count, variance = sum.second / a.count - shift * shift;
        const double pivot = (double)load(a.x, (unsigned long)group * a.rows * channels + channel);
        const float mean = (float)(pivot + shift), spread = (float)(variance > 0 ? variance : 0);
        if (a.own) {
            a.own[(unsigned long)group * channels + channel] = mean;
            a.own[((unsigned long)a.results.groups + group) * channels + channel] = spread;
        } else {
            settle_statistics(a.results, group, channel, mean, spread);
        }
    }
}

HL_KERNEL(norm_over_ranks) {
    const unsigned channels = a.results.channels, count = a.results.groups * channels;
    const double share = 1.0 / a.ranks;
    HL_FOR_EACH(channel, channels) {
        for (unsigned group = 0; group < a.results.groups; group++) {
            // Chan, Golub & LeVeque (1983), of groups of one size, in rank order.
            const float *own = a.all + (unsigned long)group * channels + channel;
            double centre = 0, spread = 0;
            for (unsigned rank = 0; rank < a.ranks; rank++) centre += (double)own[2ul * rank * count] * share;
            for (unsigned rank = 0; rank < a.ranks; rank++) {
                const double distance = (double)own[2ul * rank * count] - centre;
                spread += ((double)own[(2ul * rank + 1) * count] + distance * distance) * share;
            }
            settle_statistics(a.results, group, channel, (float)centre, (float)spread);
        }
    }
}

// MARK: Values

template <bool NARROW, int WIDTH>
HL_DEVICE void apply_norm(const hl_cuda_norm_apply &a) {
    // From the end: what was read last by the sums may still be in the cache.
    const norm_share s = share_of_tile<WIDTH>(a.tiling, gridDim.x - 1 - blockIdx.x);
    const norm_factors<WIDTH> f = load_factors<WIDTH, true>(a.norm, s);
    if (a.mean && s.group == 0 && s.row == 0 && s.row < s.last)
        for (int j = 0; j < WIDTH; j++) {
            a.mean[s.channel + j] = f.mean[j];
            a.inverse[s.channel + j] = f.inverse[j];
        }
    packed_vector<NARROW, WIDTH> x[4], residual[4] = {};
    for_rows<4>(
        s, a.tiling.channels,
        [&](int k, unsigned long at) {
            x[k] = load_packed<NARROW, WIDTH>(a.x.at, at);
            if (a.residual.at) residual[k] = load_packed<NARROW, WIDTH>(a.residual.at, at);
        },
        [&](int k, unsigned long at) {
            float y[WIDTH];
            for (int j = 0; j < WIDTH; j++) y[j] = part(x[k], j) * f.scale[j] + f.shift[j];
            if (a.residual.at)
                for (int j = 0; j < WIDTH; j++) y[j] += part(residual[k], j);
            if (a.relu)
                for (int j = 0; j < WIDTH; j++) y[j] = y[j] <= 0 ? 0 : y[j];  // NaN stays
            store_packed<NARROW, WIDTH>(a.y.at, at, y);
        });
}

HL_KERNEL(norm_apply) { HL_FOR_VECTORS(a.x.narrow, a.tiling.wide, apply_norm<NARROW, WIDTH>(a)); }

template <bool NARROW, int WIDTH, int SIZE>
HL_DEVICE void apply_norm_max_pool(const hl_cuda_norm_max_pool &a) {
    const norm_share s = share_of_tile<WIDTH>(a.tiling, gridDim.x - 1 - blockIdx.x);
    const norm_factors<WIDTH> f = load_factors<WIDTH>(a.norm, s);
    for (unsigned row = s.row; row < s.last; row += s.step) {
        float best[WIDTH];
        unsigned chosen[WIDTH];
        pool_window<NARROW, WIDTH, SIZE>(
            a, a.tiling.channels, s.group * a.tiling.rows + row, s.channel,
            [&](float x, int j) {
                const float y = x * f.scale[j] + f.shift[j];
                return rounded<NARROW>(y <= 0 ? 0 : y);
            },
            best, chosen);
        for (int j = 0; j < WIDTH; j++) chosen[j] = best[j] > 0 ? chosen[j] : 255;
        const unsigned long at = s.start + (unsigned long)row * a.tiling.channels;
        store_packed<NARROW, WIDTH>(a.y.at, at, best);
        store_chosen<WIDTH>(a.chosen, at, chosen);
    }
}

HL_KERNEL(norm_max_pool) {
    if (a.window == 3)
        HL_FOR_VECTORS(a.x.narrow, a.tiling.wide, apply_norm_max_pool<NARROW, WIDTH, 3>(a));
    else
        HL_FOR_VECTORS(a.x.narrow, a.tiling.wide, apply_norm_max_pool<NARROW, WIDTH, 0>(a));
}
