// See include/kernels/losses.h.
#include "../include/kernels/losses.h"
#include "sums.cuh"
#include "values.cuh"

// MARK: Softmax

// Powers are computed twice rather than kept: memory is what takes the time, and a row read again comes from a cache.
HL_KERNEL(softmax_rows) {
    HL_SHARED(float, memory, HL_CUDA_THREADS);
    const row_share own = share_of_row(a.rows, a.columns, a.lanes);
    const float *x = a.x + own.start;
    float top = -INFINITY, sum = 0;
    for (unsigned c = own.first; c < own.end; c += a.lanes) top = fmaxf(top, x[c]);
    top = row_max(top, memory, a.lanes);
    for (unsigned c = own.first; c < own.end; c += a.lanes) sum += hl_exp(x[c] - top);
    const float scale = 1.0f / row_sum(sum, memory, a.lanes);
    for (unsigned c = own.first; c < own.end; c += a.lanes) a.y[own.start + c] = hl_exp(x[c] - top) * scale;
}

HL_KERNEL(softmax_rows_backward) {
    HL_SHARED(float, memory, HL_CUDA_THREADS);
    const row_share own = share_of_row(a.rows, a.columns, a.lanes);
    const float *g = a.gradient + own.start, *y = a.y + own.start;
    float sum = 0;
    for (unsigned c = own.first; c < own.end; c += a.lanes) sum += y[c] * g[c];
    const float along = row_sum(sum, memory, a.lanes);
    for (unsigned c = own.first; c < own.end; c += a.lanes) a.result[own.start + c] = y[c] * (g[c] - along);
}

// MARK: Losses of rows

/// e^x of a difference of two great numbers: what a float cannot hold of it counts, too.
HL_DEVICE float exp_of_double(double x) {
    const float high = (float)x, low = (float)(x - high), power = hl_exp(high);
    return high < -87.0f ? 0.0f : power + power * low;
}

HL_KERNEL(cross_entropy) {
    HL_SHARED(float, most, HL_CUDA_THREADS);
    HL_SHARED(double, memory, HL_CUDA_THREADS);
    const row_share own = share_of_row(a.rows, a.columns, a.lanes);
    const float *x = a.logits + own.start;
    const int target = own.end ? a.targets[own.row] : -1;
    // Where none is given, a column beyond all of them.
    const unsigned left_out = own.end && a.excluded ? (unsigned)a.excluded[own.row] : a.columns;
    // By the sign of the scale the greatest or the least logit.
    const float sign = a.scale < 0 ? -1.0f : 1.0f;
    float best = -INFINITY;
    for (unsigned c = own.first; c < own.end; c += a.lanes)
        if (c != left_out) best = fmaxf(best, sign * x[c]);
    best = sign * row_max(best, most, a.lanes);
    // Differences in double, so that great scales cost no digits; powers in float, of which the greatest is 1 exactly.
    const double top = (double)best * a.scale;
    double sum = 0;
    for (unsigned c = own.first; c < own.end; c += a.lanes)
        if (c != left_out) sum += exp_of_double((double)x[c] * a.scale - top);
    sum = row_sum(sum, memory, a.lanes);
    const float slope = a.weight * a.scale, factor = (float)(slope / sum);
    for (unsigned c = own.first; c < own.end; c += a.lanes) {
        float g = c == left_out ? 0.0f : exp_of_double((double)x[c] * a.scale - top) * factor;
        if (c == (unsigned)target) g -= slope;
        a.gradient[own.start + c] = target < 0 ? 0.0f : g;
    }
    if (own.leads) {
        float loss = 0;
        if (target >= (int)a.columns)
            loss = INFINITY - INFINITY;
        else if (target >= 0)
            loss = (float)(log(sum) + top - (double)x[target] * a.scale);
        a.losses[own.row] = loss;
    }
}

HL_KERNEL(negative_cosine) {
    HL_SHARED(double, memory, HL_CUDA_THREADS);
    const row_share own = share_of_row(a.rows, a.columns, a.lanes);
    const float *p = a.p + own.start, *z = a.z + own.start;
    double pp = 0, zz = 0, pz = 0;
    for (unsigned c = own.first; c < own.end; c += a.lanes) {
        pp += (double)p[c] * p[c];
        zz += (double)z[c] * z[c];
        pz += (double)p[c] * z[c];
    }
    pp = row_sum(pp, memory, a.lanes);
    zz = row_sum(zz, memory, a.lanes);
    pz = row_sum(pz, memory, a.lanes);
    double norm = sqrt(pp) * sqrt(zz);
    if (norm < 1e-8) norm = 1e-8;
    const double cosine = pz / norm;
    const float on_z = (float)(-a.weight / norm), on_p = pp > 0 ? (float)(a.weight * cosine / pp) : 0.0f;
    for (unsigned c = own.first; c < own.end; c += a.lanes) a.gradient[own.start + c] = on_z * z[c] + on_p * p[c];
    if (own.leads) a.losses[own.row] = (float)-cosine;
}

HL_KERNEL(squared_distances) {
    HL_SHARED(double, memory, HL_CUDA_THREADS);
    // A part of a row is a row to those who share it.
    row_share own = share_of_row(a.rows * a.number, a.width, a.lanes);
    const unsigned row = own.row / a.number, part = own.row % a.number;
    if (own.end && a.columns - part * a.width < a.width) own.end = a.columns - part * a.width;
    const unsigned long start = (unsigned long)row * a.columns + part * a.width;
    double sum = 0;
    for (unsigned c = own.first; c < own.end; c += a.lanes) {
        const float difference = a.a[start + c] - a.b[start + c];
        sum += (double)difference * difference;
    }
    sum = row_sum(sum, memory, a.lanes);
    if (!own.leads) return;
    if (a.parts)
        a.parts[(unsigned long)part * a.rows + row] = sum;
    else
        a.y[row] = (float)sum;
}

// MARK: The test of Epps and Pulley

/// What a thread holds of a sample: HL_CUDA_EPPS_HELD rows of its column, from `first` on, one of the block's rows of
/// threads apart.
struct epps_angles {
    /// Of the first knot, and of the knot that is at hand.
    double cosines[HL_CUDA_EPPS_HELD], sines[HL_CUDA_EPPS_HELD], c[HL_CUDA_EPPS_HELD], s[HL_CUDA_EPPS_HELD];
};

enum { epps_lanes = HL_CUDA_THREADS / HL_CUDA_EPPS_COLUMNS };
static_assert(epps_lanes * HL_CUDA_EPPS_HELD == HL_CUDA_EPPS_ROWS, "a block takes all of its rows");

/// Rows that are not there stay at angle 0.
HL_DEVICE void epps_start(epps_angles &at, const float *x, unsigned first, unsigned rows, unsigned columns,
                          double step) {
#pragma unroll
    for (unsigned j = 0; j < HL_CUDA_EPPS_HELD; j++) {
        const unsigned row = first + j * epps_lanes;
        const double angle = row < rows ? step * (double)x[(unsigned long)row * columns] : 0;
        at.cosines[j] = cos(angle);
        at.sines[j] = sin(angle);
        at.c[j] = 1;
        at.s[j] = 0;
    }
}

/// From the angles of a knot to those of the next, which are one first angle further on.
HL_DEVICE void epps_turn(epps_angles &at) {
#pragma unroll
    for (unsigned j = 0; j < HL_CUDA_EPPS_HELD; j++) {
        const double next = at.c[j] * at.cosines[j] - at.s[j] * at.sines[j];
        at.s[j] = at.s[j] * at.cosines[j] + at.c[j] * at.sines[j];
        at.c[j] = next;
    }
}

HL_KERNEL(epps_pulley_sums) {
    HL_SHARED(double, cosines, HL_CUDA_THREADS);
    HL_SHARED(double, sines, HL_CUDA_THREADS);
    const unsigned lane = threadIdx.x / HL_CUDA_EPPS_COLUMNS, part = blockIdx.x / a.tiles;
    const unsigned place = threadIdx.x % HL_CUDA_EPPS_COLUMNS;
    const unsigned column = blockIdx.x % a.tiles * HL_CUDA_EPPS_COLUMNS + place;
    const unsigned first = part * HL_CUDA_EPPS_ROWS + lane;
    const bool inside = column < a.columns;
    const float *x = a.x + (unsigned long)blockIdx.y * a.rows * a.columns + (inside ? column : 0);
    double *parts = a.parts + ((unsigned long)blockIdx.y * a.number + part) * 2 * a.knots * a.columns + column;
    epps_angles at;
    epps_start(at, x, first, inside ? a.rows : 0, a.columns, a.step);
    for (unsigned k = 0; k < a.knots; k++) {
        double real = 0, imaginary = 0;
#pragma unroll
        for (unsigned j = 0; j < HL_CUDA_EPPS_HELD; j++)
            if (first + j * epps_lanes < a.rows) {
                real += at.c[j];
                imaginary += at.s[j];
            }
        cosines[threadIdx.x] = real;
        sines[threadIdx.x] = imaginary;
        HL_BARRIER();
        if (lane < 2 && inside) {
            double sum = 0;
            for (unsigned i = place; i < HL_CUDA_THREADS; i += HL_CUDA_EPPS_COLUMNS)
                sum += lane ? sines[i] : cosines[i];
            parts[(unsigned long)(2 * k + lane) * a.columns] = sum;
        }
        epps_turn(at);
        HL_BARRIER();
    }
}

HL_KERNEL(epps_pulley_slopes) {
    HL_FOR_EACH(i, a.count) {
        const unsigned column = i % a.columns, group = i / a.columns;
        const double *parts = a.parts + (unsigned long)group * a.number * 2 * a.knots * a.columns + column;
        double *slopes = a.slopes + (unsigned long)group * 2 * a.knots * a.columns + column, total = 0;
        for (unsigned k = 0; k < a.knots; k++) {
            double cosines = 0, sines = 0;
            for (unsigned part = 0; part < a.number; part++) {
                const unsigned long at = ((unsigned long)part * a.knots + k) * 2 * a.columns;
                cosines += parts[at];
                sines += parts[at + a.columns];
            }
            // d statistic / dx = sum over k of 2 w_k t_k (S_k cos(t_k x) - (C_k - target) sin(t_k x)).
            const double t = (double)k * a.step, target = exp(-t * t / 2);
            const double w = (k == 0 || k == a.knots - 1 ? 1 : 2) * a.step * target;
            const double real = cosines / (double)a.rows - target, imaginary = sines / (double)a.rows;
            total += w * (real * real + imaginary * imaginary);
            slopes[(unsigned long)2 * k * a.columns] = 2 * a.weight * w * t * imaginary;
            slopes[(unsigned long)(2 * k + 1) * a.columns] = -2 * a.weight * w * t * real;
        }
        a.statistics[i] = (float)((double)a.rows * total);
    }
}

HL_KERNEL(epps_pulley_gradient) {
    const unsigned lane = threadIdx.x / HL_CUDA_EPPS_COLUMNS, place = threadIdx.x % HL_CUDA_EPPS_COLUMNS;
    const unsigned column = blockIdx.x % a.tiles * HL_CUDA_EPPS_COLUMNS + place;
    const unsigned first = blockIdx.x / a.tiles * HL_CUDA_EPPS_ROWS + lane;
    if (column >= a.columns) return;
    const unsigned long start = (unsigned long)blockIdx.y * a.rows * a.columns + column;
    const double *slopes = a.slopes + (unsigned long)blockIdx.y * 2 * a.knots * a.columns + column;
    epps_angles at;
    epps_start(at, a.x + start, first, a.rows, a.columns, a.step);
    double sums[HL_CUDA_EPPS_HELD] = {0};
    for (unsigned k = 0; k < a.knots; k++) {
        const double on_cosine = slopes[(unsigned long)2 * k * a.columns];
        const double on_sine = slopes[(unsigned long)(2 * k + 1) * a.columns];
#pragma unroll
        for (unsigned j = 0; j < HL_CUDA_EPPS_HELD; j++) sums[j] += on_cosine * at.c[j] + on_sine * at.s[j];
        epps_turn(at);
    }
#pragma unroll
    for (unsigned j = 0; j < HL_CUDA_EPPS_HELD; j++) {
        const unsigned row = first + j * epps_lanes;
        if (row < a.rows) a.gradient[start + (unsigned long)row * a.columns] = (float)sums[j];
    }
}
