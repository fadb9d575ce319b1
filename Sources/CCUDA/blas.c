// cuBLAS: products of matrices, the same bits every time.
//
// One stream and a workspace of our own are what the library asks for to repeat its results; else it would take memory
// by itself, and which algorithm it chooses could depend on how much there is.
// https://docs.nvidia.com/cuda/cublas/#results-reproducibility
#include "device.h"

// Numbers of the library.
enum { OPERATION_PLAIN, OPERATION_TRANSPOSED };
enum { TYPE_F32 = 0, TYPE_BF16 = 14 };
enum { COMPUTE_F32 = 68, COMPUTE_TF32 = 77 };
enum { MATH_DEFAULT = 0, MATH_SUMS_IN_FULL = 16 };
enum { ATOMICS_NOT_ALLOWED = 0 };
enum { ALGORITHM_DEFAULT = -1 };

#define FUNCTIONS(X)                                                                                          \
    X(cublasCreate_v2, (void **handle))                                                                       \
    X(cublasDestroy_v2, (void *handle))                                                                       \
    X(cublasGetVersion_v2, (void *handle, int *version))                                                      \
    X(cublasSetStream_v2, (void *handle, void *stream))                                                       \
    X(cublasSetWorkspace_v2, (void *handle, void *workspace, size_t bytes))                                   \
    X(cublasSetMathMode, (void *handle, int mode))                                                            \
    X(cublasSetAtomicsMode, (void *handle, int mode))                                                         \
    X(cublasGemmEx, (void *handle, int operation_a, int operation_b, int m, int n, int k, const void *alpha,  \
                     const void *a, int type_a, int stride_a, const void *b, int type_b, int stride_b,        \
                     const void *beta, void *c, int type_c, int stride_c, int compute, int algorithm))        \
    X(cublasGemmStridedBatchedEx,                                                                             \
      (void *handle, int operation_a, int operation_b, int m, int n, int k, const void *alpha, const void *a, \
       int type_a, int stride_a, long long step_a, const void *b, int type_b, int stride_b, long long step_b, \
       const void *beta, void *c, int type_c, int stride_c, long long step_c, int count, int compute, int algorithm))

static struct {
#define DECLARE(name, parameters) int(*name) parameters;
    FUNCTIONS(DECLARE)
#undef DECLARE
} blas;
static int version;

const char *hl_cuda_blas_load(void) {
    static const char *const names[] = {
#define NAME(name, parameters) #name,
        FUNCTIONS(NAME)
#undef NAME
    };
    return hl_cuda_resolve(HL_CUDA_CUBLAS, names, sizeof names / sizeof *names, (void **)&blas);
}

int hl_cuda_blas_version(void) { return version; }

static const char *failed(hl_cuda_device *device, const char *function, int status) {
    const char *(*text)(int) = (const char *(*)(int))hl_cuda_symbol(HL_CUDA_CUBLAS, "cublasGetStatusString");
    return hl_cuda_message(device, "%s: %s (status %d)", function, text ? text(status) : "failed", status);
}

/// Calls a function of cuBLAS; returns from the caller with a message where it fails.
#define BLAS(device, name, ...)                             \
    do {                                                    \
        const int status_ = blas.name(__VA_ARGS__);         \
        if (status_) return failed(device, #name, status_); \
    } while (0)

const char *hl_cuda_blas_open(hl_cuda_device *device) {
    const size_t workspace = 32 << 20;
    BLAS(device, cublasCreate_v2, &device->blas);
    BLAS(device, cublasGetVersion_v2, device->blas, &version);
    // The stream first: setting it puts the library's own workspace back.
    BLAS(device, cublasSetStream_v2, device->blas, device->stream);
    CALL(device, cuMemAlloc_v2, &device->blas_workspace, workspace);
    BLAS(device, cublasSetWorkspace_v2, device->blas, (void *)(uintptr_t)device->blas_workspace, workspace);
    BLAS(device, cublasSetAtomicsMode, device->blas, ATOMICS_NOT_ALLOWED);
    BLAS(device, cublasSetMathMode, device->blas, MATH_DEFAULT | MATH_SUMS_IN_FULL);
    return NULL;
}

void hl_cuda_blas_close(hl_cuda_device *device) {
    if (device->blas) blas.cublasDestroy_v2(device->blas);
    if (device->blas_workspace) hl_cuda_driver.cuMemFree_v2(device->blas_workspace);
    device->blas = NULL;
    device->blas_workspace = 0;
}

// The library's matrices lie column by column: what lies in memory as c [m, n] by rows is its transpose [n, m] by
// columns, and that is op(b)' op(a)'. So the factors change places and nothing else.
const char *hl_cuda_blas_multiply(hl_cuda_device *device, const hl_cuda_product *p, const void *a, const void *b,
                                  void *c) {
    const int in = p->narrow ? TYPE_BF16 : TYPE_F32, out = p->narrow_result ? TYPE_BF16 : TYPE_F32;
    const int compute = p->tf32 && !p->narrow ? COMPUTE_TF32 : COMPUTE_F32;
    const int first = p->transpose_b ? OPERATION_TRANSPOSED : OPERATION_PLAIN;
    const int second = p->transpose_a ? OPERATION_TRANSPOSED : OPERATION_PLAIN;
    const float beta = p->accumulates ? 1 : 0;
    PASS(hl_cuda_enter(device));
    if (!p->narrow && p->narrow_result) return hl_cuda_message(device, "a product of f32 is no bf16");
    if (p->rows == 0 || p->columns == 0 || p->count == 0) return NULL;
    if (p->count == 1)
        BLAS(device, cublasGemmEx, device->blas, first, second, p->columns, p->rows, p->depth, &p->scale, b, in,
             (int)p->stride_b, a, in, (int)p->stride_a, &beta, c, out, (int)p->stride_c, compute, ALGORITHM_DEFAULT);
    else
        BLAS(device, cublasGemmStridedBatchedEx, device->blas, first, second, p->columns, p->rows, p->depth, &p->scale,
             b, in, (int)p->stride_b, p->step_b, a, in, (int)p->stride_a, p->step_a, &beta, c, out, (int)p->stride_c,
             p->step_c, p->count, compute, ALGORITHM_DEFAULT);
    return NULL;
}
