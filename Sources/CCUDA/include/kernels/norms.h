// Normalisation over a batch, of values [groups][rows][channels], and what stands behind it.
//
// Three launches each way: sums of tiles of rows, what follows of the sums of all tiles, and what becomes of every
// value.
#pragma once
#include "types.h"

#define HL_CUDA_NORMS_KERNELS(X)               \
    X(norms, norm_sums, 1)                     \
    X(norms, norm_statistics, 1)               \
    X(norms, norm_over_ranks, 0)               \
    X(norms, norm_apply, 0)                    \
    X(norms, norm_max_pool, 0)                 \
    X(norm_gradients, norm_back_sums, 1)       \
    X(norm_gradients, norm_pool_back_sums, 1)  \
    X(norm_gradients, norm_back_statistics, 1) \
    X(norm_gradients, norm_back_over_ranks, 0) \
    X(norm_gradients, norm_back_apply, 0)      \
    X(norm_gradients, norm_pool_back_apply, 0) \
    X(norm_gradients, conditional_norm_back, 1)

/// Channels of a block where the sums of all tiles are added up.
#define HL_CUDA_NORM_CHANNELS 8

/// Values [groups][rows][channels] in tiles: block (group * tiles + tile) * columns + column takes the rows
/// tile * height ..< (tile + 1) * height of a group, and there lanes * width channels. A thread takes `width`
/// neighbours, 16 bytes where `wide`, else one value; `lanes`, a power of two, threads stand side by side.
typedef struct {
    unsigned rows, channels, tiles, height, columns, lanes, wide;
} hl_cuda_norm_tiling;

/// norm(x) = x * scale + shift, scale = inverse * weight, shift = bias - mean * scale. Without weight or bias these are
/// 1 and 0. With a variance inverse = 1/sqrt(variance + epsilon).
typedef struct {
    const float *mean, *inverse, *variance, *weight, *bias;
    /// From one group to the next: 0 where all have the same.
    unsigned statistics_step, affine_step;
    float epsilon;
} hl_cuda_norm;

/// partial [groups][tiles][2][channels]: sums of x - pivot and of its square, the pivot being a group's first value.
typedef struct {
    hl_cuda_norm_tiling tiling;
    hl_cuda_values x;
    float *partial;
} hl_cuda_norm_sums;

/// What becomes of mean and variance: mean and inverse deviation [groups][channels], and running statistics [channels],
/// NULL where there are none, updated group by group.
typedef struct {
    float *mean, *inverse, *running_mean, *running_variance;
    unsigned groups, channels;
    float epsilon, momentum, unbias;
} hl_cuda_norm_results;

/// Of partial sums; `count` values in each. Where `own` [2][groups][channels] is given, mean and variance go there, and
/// that is all.
typedef struct {
    hl_cuda_norm_results results;
    hl_cuda_values x;
    const float *partial;
    float *own;
    unsigned rows, tiles;
    double count;
} hl_cuda_norm_statistics;

/// Of means and variances [ranks][2][groups][channels], each of as many values.
typedef struct {
    hl_cuda_norm_results results;
    const float *all;
    unsigned ranks;
} hl_cuda_norm_over_ranks;

/// y = ReLU(norm(x) + residual). Mean and inverse deviation go to `mean` and `inverse` where they are given.
typedef struct {
    hl_cuda_norm_tiling tiling;
    hl_cuda_norm norm;
    hl_cuda_values x, residual, y;
    float *mean, *inverse;
    unsigned relu;
} hl_cuda_norm_apply;

/// Maxima of ReLU(norm(x)), rounded, over windows (pooling.h), and their places: 255 where the maximum is not above 0
/// and no gradient goes back. The tiling is that of y, a group's rows being its positions.
typedef struct {
    hl_cuda_norm_tiling tiling;
    hl_cuda_norm norm;
    hl_cuda_values x, y;
    unsigned char *chosen;
    unsigned height, width, rows, columns, window, stride, padding;
} hl_cuda_norm_max_pool;

/// Where ReLU's mask comes from: 0 there is none, 1 the output, 2 norm(x) computed again.
enum { HL_CUDA_UNMASKED, HL_CUDA_MASK_OF_OUTPUT, HL_CUDA_MASK_OF_NORM };

/// The way back. With g = (gradient + addend, rounded) where ReLU's mask lets it pass:
/// - sums: partial [groups][tiles][2][channels], sums of g and of g * (x - mean); g goes to `kept` where it is given;
/// - apply: result = scale * g + slope * x + offset, slope and offset [groups][channels], or [channels] with a step of 0.
/// Behind pooling the gradient is that of the maxima, gathered by `chosen`, and there is nothing else in g.
typedef struct {
    hl_cuda_norm_tiling tiling;
    hl_cuda_norm norm;
    hl_cuda_values x, gradient, addend, output, kept, result;
    float *partial;
    const float *slope, *offset;
    const unsigned char *chosen;
    unsigned mask, step;
    unsigned height, width, rows, columns, window, stride, padding;
} hl_cuda_norm_back;

typedef hl_cuda_norm_back hl_cuda_norm_back_sums;
typedef hl_cuda_norm_back hl_cuda_norm_back_apply;
typedef hl_cuda_norm_back hl_cuda_norm_pool_back_sums;
typedef hl_cuda_norm_back hl_cuda_norm_pool_back_apply;

/// What applies dx = scale * g + slope * x + offset: slope and offset [groups][channels], both 0 by fixed statistics.
typedef struct {
    const float *mean, *inverse, *weight;
    float *slope, *offset;
    unsigned groups, channels, of_batch;
    /// Of values in each sum, over all ranks.
    double count;
} hl_cuda_norm_slopes;

/// Of partial sums: the gradients of weight and bias, [channels], and slopes, or where `own` [2][groups][channels] is
/// given the sums there.
typedef struct {
    hl_cuda_norm_slopes slopes;
    const float *partial;
    float *weight, *bias, *own;
    unsigned tiles;
} hl_cuda_norm_back_statistics;

/// Of sums [ranks][2][groups][channels].
typedef struct {
    hl_cuda_norm_slopes slopes;
    const float *all;
    unsigned ranks;
} hl_cuda_norm_back_over_ranks;

/// Of partial sums [samples][tiles][2][channels] of a norm whose gain [samples][channels] is a sample's own: the
/// gradients of gain and shift, [samples][channels], and slopes of one group, or where `own` [2][channels] is given the
/// sums there. The slopes' weight is in the sums already.
typedef struct {
    hl_cuda_norm_slopes slopes;
    const float *partial, *gain;
    float *gain_gradient, *shift_gradient, *own;
    unsigned samples, tiles;
} hl_cuda_conditional_norm_back;
