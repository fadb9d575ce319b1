// A device that is none: our kernels, compiled for the processor, whose threads of a block are fibers.
#pragma once
#include <hl_cuda_kernels.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Runs a kernel, block after block. Threads of a block take turns at its barriers, from the first to the last, or in
/// reverse: what depends on the order lacks a barrier. A barrier that not all threads of a block pass ends the process.
void hl_emulated_launch(hl_kernel kernel, unsigned x, unsigned y, int reverse, const void *arguments);

/// A matrix in row-major order: values f32, or bf16 where `narrow`, and from one row to the next.
typedef struct {
    void *at;
    int narrow, transposed;
    size_t stride;
} hl_emulated_matrix;

/// c [m, n] = scale * op(a) op(b), or that added to c; sums in double precision.
void hl_emulated_multiply(size_t m, size_t n, size_t k, float scale, hl_emulated_matrix a, hl_emulated_matrix b,
                          int accumulates, hl_emulated_matrix c);

/// Shapes of a convolution with channels last.
typedef struct {
    size_t batch, inputs, height, width, outputs, rows, columns, kernel, stride, padding;
    int narrow;
} hl_emulated_convolution;

/// y of x and weight (pass 0), x of y and weight (1), the weight of x and y (2); sums in double precision.
void hl_emulated_convolve(const hl_emulated_convolution *shape, int pass, void *x, void *weight, void *y);

#ifdef __cplusplus
}
#endif
