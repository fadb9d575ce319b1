// What stands around products of matrices: windows of convolutions, depthwise convolution, kernels made wide, spectral
// normalisation.
//
// Activations lie channels last, x [samples][height][width][channels], y [samples][rows][columns][channels]. A window
// of `kernel` x `kernel` taps begins `padding` before its number times `stride`, and what it finds outside of x is 0.
// More zeros behind the last row and column are in `rows` and `columns` already.
#pragma once
#include "types.h"

#define HL_CUDA_WINDOWS_KERNELS(X)          \
    X(windows, im2col, 0)                   \
    X(windows, col2im, 0)                   \
    X(windows, depthwise, 0)                \
    X(windows, depthwise_input_gradient, 0) \
    X(windows, depthwise_weight_sums, 1)    \
    X(windows, depthwise_weight_gradient, 1)

/// y [positions][kernel][kernel][channels]: the windows of `positions` places of the output from number `first` on.
/// Values are words of `size` bytes, 2, 4, 8 or 16, of which `channels` make a place. Blocks along y are rows of a
/// window.
typedef struct {
    const void *x;
    void *y;
    unsigned size, first, positions, channels, height, width, rows, columns, kernel, stride, padding;
} hl_cuda_im2col;

/// The adjoint, gathered: rows top ..< top + lines of the samples sample ..< sample + samples of x, from the windows
/// y [samples][bottom_lines][columns][kernel][kernel][channels] whose first row of places is number `bottom`.
typedef struct {
    const float *y;
    hl_cuda_values x;
    unsigned sample, samples, top, lines, bottom, bottom_lines;
    unsigned channels, height, width, rows, columns, kernel, stride, padding;
} hl_cuda_col2im;

/// y of x and of weights [kernel][kernel][channels]; `count` values of y.
typedef struct {
    hl_cuda_values x, y;
    const float *weight;
    unsigned count, channels, height, width, rows, columns, kernel, stride, padding;
} hl_cuda_depthwise;

/// x of y and weights; `count` values of x.
typedef struct {
    hl_cuda_values x, y;
    const float *weight;
    unsigned count, channels, height, width, rows, columns, kernel, stride, padding;
} hl_cuda_depthwise_input_gradient;

/// sums [parts][kernel][kernel][channels] of the weights' gradient, of x and y. Blocks along x take 32 channels, blocks
/// along y parts of `part` of the `lines` = samples * rows rows of y.
typedef struct {
    hl_cuda_values x, y;
    float *sums;
    unsigned part, lines, channels, height, width, rows, columns, kernel, stride, padding;
} hl_cuda_depthwise_weight_sums;

/// weight [channels][taps], added up from sums [parts][taps][channels]; a block takes 32 places.
typedef struct {
    const float *sums;
    float *weight;
    unsigned parts, taps, channels;
} hl_cuda_depthwise_weight_gradient;
