#include "COpenBLAS.h"

#include "library.h"

#include <cblas.h>
#include <stdlib.h>

// Fortran takes everything by address, and the lengths of strings behind all else.
typedef void tpqrt_function(const int *m, const int *n, const int *l, const int *nb, double *a, const int *lda,
                            double *b, const int *ldb, double *t, const int *ldt, double *work, int *info);
typedef void gesdd_function(const char *job, const int *m, const int *n, double *a, const int *lda, double *s,
                            double *u, const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork,
                            int *iwork, int *info, size_t job_length);
typedef void syevd_function(const char *job, const char *half, const int *n, double *a, const int *lda, double *w,
                            double *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t job_length,
                            size_t half_length);

static tpqrt_function *tpqrt;
static gesdd_function *gesdd;
static __typeof__(&cblas_dgemm) dgemm;
static __typeof__(&cblas_dtrsm) dtrsm;

/// Columns that are reflected together.
enum { PANEL = 32 };

const char *hl_lapack_load(void) {
    dgemm = (__typeof__(dgemm))hl_blas_symbol("cblas_dgemm");
    dtrsm = (__typeof__(dtrsm))hl_blas_symbol("cblas_dtrsm");
    gesdd = (gesdd_function *)hl_blas_symbol("dgesdd_");
    tpqrt = (tpqrt_function *)hl_blas_symbol("dtpqrt_");
    return dgemm && dtrsm && gesdd && tpqrt ? NULL : "it was built without LAPACK";
}

static int panel(int n) { return n < PANEL ? n : PANEL; }

size_t hl_lapack_qr_workspace(int n) { return 2 * (size_t)panel(n) * (size_t)n; }

void hl_lapack_qr_update(double *r, int n, double *rows, int m, double *workspace) {
    const int nb = panel(n), rectangular = 0;
    int info = 0;
    hl_blas_enter();
    tpqrt(&m, &n, &rectangular, &nb, r, &n, rows, &m, workspace, &nb, workspace + (size_t)nb * (size_t)n, &info);
    hl_blas_leave();
    if (info != 0) abort();  // Sizes that do not fit: ours.
}

int hl_lapack_singular_values(double *a, int m, int n, double *values) {
    const int least = m < n ? m : n, one = 1, question = -1;
    int info = 0;
    double best = 0;
    int *integers = calloc(8 * (size_t)least, sizeof *integers);
    if (!integers) return -1;
    hl_blas_enter();
    gesdd("N", &m, &n, a, &m, values, NULL, &one, NULL, &one, &best, &question, integers, &info, 1);
    const int size = (int)best;
    double *work = info == 0 ? malloc((size_t)size * sizeof *work) : NULL;
    if (work)
        gesdd("N", &m, &n, a, &m, values, NULL, &one, NULL, &one, work, &size, integers, &info, 1);
    else
        info = -1;
    hl_blas_leave();
    free(work);
    free(integers);
    return info;
}

int hl_lapack_symmetric_eigen(double *matrix, int n, double *values) {
    syevd_function *syevd = (syevd_function *)hl_blas_symbol("dsyevd_");
    // The least work that LAPACK asks for with vectors. Above n = 32,000 it would not fit an int.
    if (!syevd || n > 32000) return -1;
    const int work_count = 1 + 6 * n + 2 * n * n, integer_count = 3 + 5 * n;
    double *work = malloc(sizeof *work * (size_t)work_count);
    int *integers = malloc(sizeof *integers * (size_t)integer_count), info = -1;
    if (work && integers) {
        hl_blas_enter();
        syevd("V", "L", &n, matrix, &n, values, work, &work_count, integers, &integer_count, &info, 1, 1);
        hl_blas_leave();
    }
    free(integers);
    free(work);
    return info;
}

void hl_blas_dgemm(int transpose_a, int transpose_b, int m, int n, int k, const double *a, int lda, const double *b,
                   int ldb, double *c, int ldc) {
    hl_blas_enter();
    dgemm(CblasColMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, m, n, k, 1,
          a, lda, b, ldb, 0, c, ldc);
    hl_blas_leave();
}

void hl_blas_divide_by_upper(const double *r, int n, double *b, int m) {
    hl_blas_enter();
    dtrsm(CblasColMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, m, n, 1, r, n, b, m);
    hl_blas_leave();
}
