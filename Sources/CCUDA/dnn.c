// Convolutions on a card by cuDNN.
#include "dnn.h"

#include <stdlib.h>

#include "device.h"

static const char *failed(hl_cuda_device *device, const hl_cuda_dnn_library *library, const char *what, int status) {
    char reason[384];
    hl_cuda_dnn_explain(library, status, reason, sizeof reason);
    return hl_cuda_message(device, "%s: %s", what, reason);
}

// MARK: Opening

// Whether the library may be used. A cuDNN that does not find the cuBLAS of its own CUDA ends the process, but not before
// a handle is made.
static const char *check(hl_cuda_device *device) {
    enum { OLDEST = 8900 };
    if (!hl_cuda_library(HL_CUDA_CUDNN)) return hl_cuda_message(device, "cuDNN is not open");
    if (!hl_cuda_library(HL_CUDA_CUBLASLT)) return hl_cuda_message(device, "cuDNN needs cuBLASLt, which is not open");
    const int made_for = (int)(hl_cuda_dnn_runtime() / 1000), found = hl_cuda_blas_version() / 10000;
    if (made_for != found)
        return hl_cuda_message(device, "cuDNN is made for CUDA %d, and cuBLAS is that of CUDA %d", made_for, found);
    const int version = (int)hl_cuda_dnn_version();
    if (version < OLDEST)
        return hl_cuda_message(device, "cuDNN is version %d.%d, and 8.9 is the oldest that is used", version / 1000,
                               version / 100 % 10);
    return NULL;
}

static void close_dnn(hl_cuda_device *device) {
    hl_cuda_dnn_plans *plans = device->dnn;
    if (!plans) return;
    hl_cuda_dnn_forget(plans);
    if (plans->handle) plans->library.cudnnDestroy(plans->handle);
    free(plans);
    device->dnn = NULL;
}

static const char *make_handle(hl_cuda_device *device, hl_cuda_dnn_plans *plans) {
    PASS(hl_cuda_enter(device));
    int status = plans->library.cudnnCreate(&plans->handle);
    if (status) return failed(device, &plans->library, "cudnnCreate", status);
    status = plans->library.cudnnSetStream(plans->handle, device->stream);
    return status ? failed(device, &plans->library, "cudnnSetStream", status) : NULL;
}

const char *hl_cuda_dnn_open(hl_cuda_device *device) {
    if (device->dnn) return NULL;
    PASS(check(device));
    hl_cuda_dnn_plans *plans = calloc(1, sizeof *plans);
    if (!plans) return hl_cuda_message(device, "no memory");
    device->dnn = plans;
    device->dnn_close = close_dnn;
    const char *error = hl_cuda_dnn_resolve(&plans->library);
    if (!error) error = make_handle(device, plans);
    if (error) close_dnn(device);
    return error;
}

// MARK: Convolutions

static const char *plan_of(hl_cuda_device *device, const hl_cuda_convolution *convolution,
                           const hl_cuda_dnn_plan **plan) {
    if (!device->dnn) return hl_cuda_message(device, "cuDNN is not ready");
    PASS(hl_cuda_enter(device));
    return hl_cuda_dnn_plan_of(device->dnn, convolution, plan);
}

const char *hl_cuda_dnn_workspace(hl_cuda_device *device, const hl_cuda_convolution *convolution, size_t *bytes) {
    const hl_cuda_dnn_plan *plan;
    PASS(plan_of(device, convolution, &plan));
    *bytes = (size_t)plan->workspace;
    return NULL;
}

const char *hl_cuda_dnn_convolve(hl_cuda_device *device, const hl_cuda_convolution *convolution, void *x, void *weight,
                                 void *y, void *workspace) {
    const hl_cuda_dnn_plan *plan;
    PASS(plan_of(device, convolution, &plan));
    const hl_cuda_dnn_plans *plans = device->dnn;
    const hl_cuda_dnn_library *library = &plans->library;
    const int64_t ids[] = {DNN_ID_X, DNN_ID_WEIGHT, DNN_ID_Y};
    void *const tensors[] = {x, weight, y};
    // A pack cannot be changed once it is final, so that every call has one of its own.
    void *pack = NULL;
    int status = library->cudnnBackendCreateDescriptor(DNN_VARIANT_PACK, &pack);
    if (!status) status = library->cudnnBackendSetAttribute(pack, DNN_PACK_IDS, DNN_IS_INT64, 3, ids);
    if (!status) status = library->cudnnBackendSetAttribute(pack, DNN_PACK_POINTERS, DNN_IS_POINTER, 3, tensors);
    if (!status) status = library->cudnnBackendSetAttribute(pack, DNN_PACK_WORKSPACE, DNN_IS_POINTER, 1, &workspace);
    if (!status) status = library->cudnnBackendFinalize(pack);
    if (!status) status = library->cudnnBackendExecute(plans->handle, plan->plan, pack);
    const char *error = status ? failed(device, library, "cuDNN cannot convolve", status) : NULL;
    if (pack) library->cudnnBackendDestroyDescriptor(pack);
    return error;
}
