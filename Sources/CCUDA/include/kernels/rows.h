// Rows and columns of matrices, sums in place, products row by row, unit length, and means over positions.
//
// Where a structure has `step`, it is 4 if everything counted along the fastest dimension is a multiple of 4, else 1, and
// `count` and those numbers are in units of `step` values: a thread takes as many with one access.
#pragma once
#include "types.h"

#define HL_CUDA_ROWS_KERNELS(X)       \
    X(rows, take_columns, 0)          \
    X(rows, place_columns, 0)         \
    X(rows, add_columns, 0)           \
    X(rows, add_row_vector, 0)        \
    X(rows, accumulate, 0)            \
    X(rows, average, 0)               \
    X(rows, average_pool, 0)          \
    X(rows, average_pool_backward, 0) \
    X(rows, sum_columns, 1)           \
    X(rows, sum_parts, 0)             \
    X(rows, project_rows, 1)          \
    X(rows, normalise_rows, 1)        \
    X(rows, normalise_rows_backward, 1)

/// y[r][c] = x[r][start + c], from rows of `stride` to rows of `width`; count = rows * width.
typedef struct {
    hl_cuda_values x, y;
    unsigned count, width, stride, start, step;
} hl_cuda_take_columns;

/// y[r][start + c] = x[r][c] and 0 in all other columns, from rows of `width` to rows of `stride`; count = rows * stride.
typedef struct {
    hl_cuda_values x, y;
    unsigned count, width, stride, start, step;
} hl_cuda_place_columns;

/// y[r][start + c] += x[r][c], from rows of `width` to rows of `stride`; count = rows * width.
typedef struct {
    hl_cuda_values x, y;
    unsigned count, width, stride, start, step;
} hl_cuda_add_columns;

/// x[r][c] += vector[c], rows of `width`; count = rows * width.
typedef struct {
    hl_cuda_values x, vector;
    unsigned count, width, step;
} hl_cuda_add_row_vector;

/// y[i] += x[i], x first rounded to y's type.
typedef struct {
    hl_cuda_values x, y;
    unsigned count, step;
} hl_cuda_accumulate;

/// y[i] = decay * y[i] + rest * x[i]
typedef struct {
    hl_cuda_values x, y;
    unsigned count, step;
    float decay, rest;
} hl_cuda_average;

/// y[n][c] = scale * sum over positions of x[n][position][c], in order; count = samples * channels.
typedef struct {
    hl_cuda_values x, y;
    unsigned count, channels, positions, step;
    float scale;
} hl_cuda_average_pool;

/// y[n][position][c] = scale * x[n][c]; count = samples * positions * channels.
typedef struct {
    hl_cuda_values x, y;
    unsigned count, channels, positions, step;
    float scale;
} hl_cuda_average_pool_backward;

/// Columns and rows that a block of sum_columns takes at a time.
#define HL_CUDA_SUM_COLUMNS 32
#define HL_CUDA_SUM_ROWS (HL_CUDA_THREADS / HL_CUDA_SUM_COLUMNS)

/// Sums in double down the columns of x [rows][columns], of `height` rows each: parts[blockIdx.y][column], or where all
/// rows are one part and `parts` is NULL, y[column]. Blocks of HL_CUDA_SUM_COLUMNS columns along blockIdx.x.
typedef struct {
    const float *x;
    double *parts;
    float *y;
    unsigned rows, columns, height;
} hl_cuda_sum_columns;

/// y[i] = sum over parts[part][i], [parts][count], in order.
typedef struct {
    const double *parts;
    float *y;
    unsigned number, count;
} hl_cuda_sum_parts;

/// Rows and outputs of a block of project_rows, and how much of the depth it holds at a time.
#define HL_CUDA_PROJECT_TILE 32

/// y [rows][outputs] = x [rows][inputs] times weight [outputs][inputs] transposed, every sum in the order of its terms,
/// each product rounded: the bits of CKernels' hl_project.h. Blocks of HL_CUDA_PROJECT_TILE outputs along blockIdx.x, and as
/// many rows, `tiles` blocks of outputs after each other.
typedef struct {
    const float *x, *weight;
    float *y;
    unsigned rows, inputs, outputs, tiles;
} hl_cuda_project_rows;

/// y = x / max(|x|, 1e-12) and norms = |x| per row, `lanes` threads a row; the length in double.
typedef struct {
    const float *x;
    float *y, *norms;
    unsigned rows, columns, lanes;
} hl_cuda_normalise_rows;

/// result = (gradient - <gradient, y> y) / max(norm, 1e-12) per row; the projection is left out where the norm was below
/// that bound.
typedef struct {
    const float *gradient, *y, *norms;
    float *result;
    unsigned rows, columns, lanes;
} hl_cuda_normalise_rows_backward;
