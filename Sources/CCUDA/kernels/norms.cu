// See include/kernels/norms.h.

// MARK: Tiles of rows

/// A thread's part of a tile: rows row, row + step, … below `last`, of WIDTH channels from `channel` on.
struct norm_share {
    unsigned group, tile, row, last, step, channel;
    /// Of the group's first row.
    unsigned long start;
};

template <int WIDTH>
HL_DEVICE norm_share share_of_tile(const hl_cuda_norm_tiling &t, unsigned block) {
    norm_share s;
    const unsigned tiles = block / t.columns;
    s.group = tiles / t.tiles;
    s.tile = tiles % t.tiles;
    s.channel = (block % t.columns * t.lanes + threadIdx.x % t.lanes) * WIDTH;
    s.step = HL_CUDA_THREADS / t.lanes;
    s.row = s.tile * t.height + threadIdx.x / t.lanes;
    const unsigned end = (s.tile + 1) * t.height;
    s.last = s.channel >= t.channels ? 0 : end < t.rows ? end : t.rows;
    s.start = (unsigned long)s.group * t.rows * t.channels + s.channel;
    return s;
}

/// Calls load(k, at), BATCH times, then use(k, at) as often, for the values at all rows of a share: loads under way
/// together.
template <int BATCH, class Load, class Use>
HL_DEVICE void for_rows(const norm_share &s, unsigned channels, Load load, Use use) {
    const unsigned long stride = (unsigned long)s.step * channels;
    unsigned long at = s.start + (unsigned long)s.row * channels;
    unsigned row = s.row;
    for (; row + (BATCH - 1) * s.step < s.last; row += BATCH * s.step, at += BATCH * stride) {
#pragma unroll
        for (int k = 0; k < BATCH; k++) load(k, at + k * stride);
#pragma unroll
        for (int k = 0; k < BATCH; k++) use(k, at + k * stride);
    }
    for (; row < s.last; row += s.step, at += stride) {
        load(0, at);
        use(0, at);
    }
}

/// Two sums of each channel, those of the threads side by side, to the tile's place in [groups][tiles][2][channels].
/// `memory` has 2 * WIDTH * HL_CUDA_THREADS places.
template <int WIDTH>
HL_DEVICE void add_tile(const hl_cuda_norm_tiling &t, const norm_share &s, const float *sums, float *memory,
                        float *partial) {
    for (int j = 0; j < 2 * WIDTH; j++) memory[j * HL_CUDA_THREADS + threadIdx.x] = sums[j];
    HL_BARRIER();
    for (unsigned half = HL_CUDA_THREADS / 2; half >= t.lanes; half >>= 1) {
        if (threadIdx.x < half)
            for (int j = 0; j < 2 * WIDTH; j++)
                memory[j * HL_CUDA_THREADS + threadIdx.x] += memory[j * HL_CUDA_THREADS + threadIdx.x + half];
        HL_BARRIER();
    }
    if (threadIdx.x < t.lanes && s.channel < t.channels) {
        float *to = partial + ((unsigned long)s.group * t.tiles + s.tile) * 2 * t.channels + s.channel;
        for (int j = 0; j < WIDTH; j++) to[j] = memory[j * HL_CUDA_THREADS + threadIdx.x];
        for (int j = 0; j < WIDTH; j++) to[t.channels + j] = memory[(WIDTH + j) * HL_CUDA_THREADS + threadIdx.x];
    }
}

// MARK: Sums of all tiles

/// A block's channels, and the threads of each.
enum { norm_channels = HL_CUDA_NORM_CHANNELS, norm_lanes = HL_CUDA_THREADS / norm_channels };

struct norm_sum_pair {
    double first, second;
};

/// The sums over the threads of a channel, a fixed tree, in its first thread. `memory` has 2 * HL_CUDA_THREADS places.
HL_DEVICE norm_sum_pair add_lanes(norm_sum_pair own, double *memory) {
    double *second = memory + HL_CUDA_THREADS;
    memory[threadIdx.x] = own.first;
    second[threadIdx.x] = own.second;
    HL_BARRIER();
    for (unsigned half = HL_CUDA_THREADS / 2; half >= norm_channels; half >>= 1) {
        if (threadIdx.x < half) {
            memory[threadIdx.x] += memory[threadIdx.x + half];
            second[threadIdx.x] += second[threadIdx.x + half];
        }
        HL_BARRIER();
    }
    own.first = memory[threadIdx.x % norm_channels];
    own.second = second[threadIdx.x % norm_channels];
    HL_BARRIER();
    return own;
}

/// A group's partial sums from number `first` on, every so many.
HL_DEVICE norm_sum_pair sum_tiles(const float *partial, unsigned group, unsigned tiles, unsigned first, unsigned every,
                                  unsigned channels, unsigned channel) {
    norm_sum_pair sum = {0, 0};
    if (channel >= channels) return sum;
    const float *from = partial + (unsigned long)group * tiles * 2 * channels + channel;
#pragma unroll 8
    for (unsigned tile = first; tile < tiles; tile += every) {
        sum.first += (double)from[(unsigned long)tile * 2 * channels];
        sum.second += (double)from[((unsigned long)tile * 2 + 1) * channels];
    }
    return sum;
}

// MARK: Statistics

HL_DEVICE float inverse_deviation(float variance, float epsilon) { return 1.0f / sqrtf(variance + epsilon); }

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

/// What a norm has for WIDTH channels, forward and backward the same to the bit.
template <int WIDTH>
struct norm_factors {
    float mean[WIDTH], inverse[WIDTH], scale[WIDTH], shift[WIDTH];
};

/// Those of a share; zeros where it has no rows. FIXED statistics may be given as a variance.
template <int WIDTH, bool FIXED = false>
HL_DEVICE norm_factors<WIDTH> load_factors(const hl_cuda_norm &n, const norm_share &s) {
    norm_factors<WIDTH> f = {};
    if (s.row >= s.last) return f;
    const unsigned long at = (unsigned long)s.group * n.statistics_step + s.channel;
    const unsigned long affine = (unsigned long)s.group * n.affine_step + s.channel;
    load_floats<WIDTH>(n.mean, at, 0, f.mean);
    load_floats<WIDTH>(FIXED && n.variance ? n.variance : n.inverse, at, 0, f.inverse);
    load_floats<WIDTH>(n.weight, affine, 1, f.scale);
    load_floats<WIDTH>(n.bias, affine, 0, f.shift);
    if (FIXED && n.variance)
        for (int j = 0; j < WIDTH; j++) f.inverse[j] = inverse_deviation(f.inverse[j], n.epsilon);
    for (int j = 0; j < WIDTH; j++) {
        f.scale[j] = f.inverse[j] * f.scale[j];
        f.shift[j] = f.shift[j] - f.mean[j] * f.scale[j];
    }
    return f;
}

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

// MARK: The way back

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
    const unsigned lane = threadIdx.x / norm_channels;
    const unsigned channel = blockIdx.x * norm_channels + threadIdx.x % norm_channels;
    const double inverse = channel < a.channels ? (double)a.inverse[channel] : 0;
    norm_sum_pair total = {0, 0};
    for (unsigned sample = lane; sample < a.samples && channel < a.channels; sample += norm_lanes) {
        const norm_sum_pair own = sum_tiles(a.partial, sample, a.tiles, 0, 1, a.channels, channel);
        const unsigned long at = (unsigned long)sample * a.channels + channel;
        const double gain = a.gain[at];
        a.gain_gradient[at] = (float)(own.second * inverse);
        a.shift_gradient[at] = (float)own.first;
        total.first += gain * own.first;
        total.second += gain * own.second;
    }
    total = add_lanes(total, memory);
    if (lane || channel >= a.channels) return;
    const double slope = -inverse * inverse * inverse * total.second / a.count;
    a.slope[channel] = (float)slope;
    a.offset[channel] = (float)(-inverse * total.first / a.count - slope * (double)a.mean[channel]);
}
