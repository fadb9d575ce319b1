// OpenBLAS, loaded when the first matrix product is due.
//
// It is opened at run time, not linked, for two reasons: its constructor starts one thread per core, which a program
// that only passes streams must not pay for; and it reads its settings from the environment only once, while loading,
// so that they must be in place before.
#pragma once
#include <stddef.h>

/// Loads the library for `threads` threads. Returns NULL, or a message that lives as long as the process. Several threads
/// may call it at once.
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

/// Threads of one call of the library; 0 where that cannot be known.
int hl_blas_threads(void);

/// Sets them from now on. Returns how many there were before.
int hl_blas_set_threads(int threads);

// Double precision. Matrices are column by column, as LAPACK has them.

/// Finds the library's LAPACK. The library must be loaded. Returns NULL, or a message that lives as long as the process.
const char *hl_lapack_load(void);

/// R, upper triangular [n, n], becomes the R of R on top of `rows` [m, n], which is destroyed: LAPACK's dtpqrt.
/// `workspace` has `hl_lapack_qr_workspace(n)` doubles. https://www.netlib.org/lapack/explore-html/
void hl_lapack_qr_update(double *r, int n, double *rows, int m, double *workspace);
size_t hl_lapack_qr_workspace(int n);

/// The min(m, n) singular values of a [m, n], which is destroyed, from the largest on: LAPACK's dgesdd. Returns its info,
/// 0 for success.
int hl_lapack_singular_values(double *a, int m, int n, double *values);

/// Eigenvalues, ascending, and eigenvectors of a symmetric matrix [n, n], whose column i the vector of value i replaces:
/// LAPACK's dsyevd. Needs no hl_lapack_load. Returns 0, or another number where there is no LAPACK or it failed; then
/// `matrix` is spoilt.
int hl_lapack_symmetric_eigen(double *matrix, int n, double *values);

/// C [m, n] = op(A) op(B).
void hl_blas_dgemm(int transpose_a, int transpose_b, int m, int n, int k, const double *a, int lda, const double *b,
                   int ldb, double *c, int ldc);

/// B [m, n] becomes B R^-1, R upper triangular [n, n].
void hl_blas_divide_by_upper(const double *r, int n, double *b, int m);
