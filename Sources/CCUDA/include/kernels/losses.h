// Softmax of rows, and losses of rows, each with its gradient.
//
// Of matrices [rows][columns]; `lanes` threads take a row together (sums.cuh).
#pragma once
#include "types.h"

#define HL_CUDA_LOSSES_KERNELS(X)       \
    X(losses, softmax_rows, 1)          \
    X(losses, softmax_rows_backward, 1) \
    X(losses, cross_entropy, 1)         \
    X(losses, negative_cosine, 1)       \
    X(losses, squared_distances, 1)     \
    X(losses, epps_pulley_sums, 1)      \
    X(losses, epps_pulley_slopes, 0)    \
    X(losses, epps_pulley_gradient, 0)

/// y = exp(x - max) / sum of exp(x - max) per row.
typedef struct {
    const float *x;
    float *y;
    unsigned rows, columns, lanes;
} hl_cuda_softmax_rows;

/// result = y (gradient - sum over the row of gradient y), of the softmax y.
typedef struct {
    const float *gradient, *y;
    float *result;
    unsigned rows, columns, lanes;
} hl_cuda_softmax_rows_backward;

/// -log softmax(scale * logits)[target] per row, and weight times its gradient with regard to the logits. A target of -1
/// leaves its row out; one that is no column makes its loss NaN, since the host never sees it. Column `excluded[row]`,
/// where that is given, takes no part. Sums in double.
typedef struct {
    const float *logits;
    const int *targets, *excluded;
    float *losses, *gradient;
    unsigned rows, columns, lanes;
    float scale, weight;
} hl_cuda_cross_entropy;

/// -cos(p, z) per row, and weight times its gradient with regard to p; the norms' product is at least 1e-8. Sums in double.
typedef struct {
    const float *p, *z;
    float *losses, *gradient;
    unsigned rows, columns, lanes;
    float weight;
} hl_cuda_negative_cosine;

/// Sums of (a - b)^2 in double, of parts of `width` columns and what remains: parts[part][row], or where a row is one part
/// and `parts` is NULL, y[row].
typedef struct {
    const float *a, *b;
    double *parts;
    float *y;
    unsigned rows, columns, number, width, lanes;
} hl_cuda_squared_distances;

/// Columns of a block of the kernels below, and rows that each of its threads holds.
#define HL_CUDA_EPPS_COLUMNS 32
#define HL_CUDA_EPPS_HELD 8
/// Rows of a block: those of HL_CUDA_THREADS / HL_CUDA_EPPS_COLUMNS threads.
#define HL_CUDA_EPPS_ROWS 64

/// CKernels' hl_epps_pulley.h in three kernels, of x [groups][rows][columns]. First the sums over rows of cos(k step x) and
/// sin(k step x), k < knots: parts[group][part][2 k + (0 of cosines, 1 of sines)][column], a part being
/// HL_CUDA_EPPS_ROWS rows of a group. blockIdx.x counts blocks of columns, `tiles` a part, and parts; blockIdx.y groups.
typedef struct {
    const float *x;
    double *parts, step;
    unsigned rows, columns, knots, number, tiles;
} hl_cuda_epps_pulley_sums;

/// From the sums the statistics [groups][columns], and what the gradient's cosines and sines are multiplied by:
/// slopes[group][2 k + (0 of cosines, 1 of sines)][column]. count = groups * columns.
typedef struct {
    const double *parts;
    double *slopes, step, weight;
    float *statistics;
    unsigned rows, columns, knots, number, count;
} hl_cuda_epps_pulley_slopes;

/// The gradient, of x's shape, in blocks as of the sums.
typedef struct {
    const float *x;
    const double *slopes;
    double step;
    float *gradient;
    unsigned rows, columns, knots, tiles;
} hl_cuda_epps_pulley_gradient;
