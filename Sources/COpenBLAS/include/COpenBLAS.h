// OpenBLAS, loaded when the first matrix product is due.
//
// It is opened at run time, not linked, for two reasons: its constructor starts one thread per core, which a program
// that only passes streams must not pay for; and it reads its settings from the environment only once, while loading,
// so that they must be in place before.
#pragma once

/// Loads the library for `threads` threads. Returns NULL, or a message that lives as long as the process.
///
/// `limited` says that address space is scarce: then all buffers of the library are taken at once, while there is room
/// for them, and one thread multiplies at a time, since each that calls takes a buffer more. Where the library cannot
/// have one it tries again for ever.
const char *hl_blas_load(int threads, int limited);

int hl_blas_is_loaded(void);

/// The library's own description of its version and kernels; "" before it is loaded.
const char *hl_blas_description(void);

/// C = alpha op(A) op(B) + beta C, row-major; op transposes where its flag is not 0. The library must be loaded.
/// BLAS's sgemm: https://www.netlib.org/blas/
void hl_blas_sgemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                   const float *b, int ldb, float beta, float *c, int ldc);

/// Eigenvalues, ascending, and eigenvectors of a symmetric n x n matrix, which row i of `matrix` is replaced by for
/// value i. Returns 0, or another number where the library has no LAPACK or it failed; then `matrix` is spoilt.
/// LAPACK's dsyevd: https://www.netlib.org/lapack/
int hl_blas_dsyevd(int n, double *matrix, double *values);
