// What the files that speak to NVIDIA's libraries share: handles of opened libraries, and the insides of a device.
//
// Prototypes and numbers are of our own writing: nothing of NVIDIA's is needed to build. Handles are pointers, addresses
// of the device 64-bit numbers, and all functions of the libraries return 0 for success.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "CCUDA.h"

// MARK: Libraries

/// The handle of a library that hl_cuda_library_open has opened, or NULL.
void *hl_cuda_library(hl_cuda_library_name which);

/// A function of a library that has been opened, or NULL.
void *hl_cuda_symbol(hl_cuda_library_name which, const char *name);

/// Fills a structure of function pointers, `count` of them and named in the same order. Returns NULL, or "the library has
/// no NAME", which lives until this is called again.
const char *hl_cuda_resolve(hl_cuda_library_name which, const char *const *names, size_t count, void **functions);

// MARK: The driver's functions, that others use too

/// The driver's functions: hl_cuda_driver.cuStreamSynchronize and so on. All NULL before hl_cuda_driver_open.
#define HL_CUDA_DRIVER_FUNCTIONS(X)                                                                                \
    X(cuInit, (unsigned flags))                                                                                    \
    X(cuDriverGetVersion, (int *version))                                                                          \
    X(cuGetErrorString, (int error, const char **text))                                                            \
    X(cuDeviceGetCount, (int *count))                                                                              \
    X(cuDeviceGet, (int *device, int index))                                                                       \
    X(cuDeviceGetName, (char *name, int size, int device))                                                         \
    X(cuDeviceGetAttribute, (int *value, int attribute, int device))                                               \
    X(cuDevicePrimaryCtxRetain, (void **context, int device))                                                      \
    X(cuDevicePrimaryCtxRelease_v2, (int device))                                                                  \
    X(cuCtxSetCurrent, (void *context))                                                                            \
    X(cuMemGetInfo_v2, (size_t * free, size_t * total))                                                            \
    X(cuMemAlloc_v2, (uint64_t * address, size_t bytes))                                                           \
    X(cuMemFree_v2, (uint64_t address))                                                                            \
    X(cuMemHostAlloc, (void **address, size_t bytes, unsigned flags))                                              \
    X(cuMemFreeHost, (void *address))                                                                              \
    X(cuMemcpyHtoDAsync_v2, (uint64_t target, const void *source, size_t bytes, void *stream))                     \
    X(cuMemcpyDtoHAsync_v2, (void *target, uint64_t source, size_t bytes, void *stream))                           \
    X(cuMemcpyDtoDAsync_v2, (uint64_t target, uint64_t source, size_t bytes, void *stream))                        \
    X(cuMemsetD8Async, (uint64_t target, unsigned char byte, size_t count, void *stream))                          \
    X(cuStreamCreate, (void **stream, unsigned flags))                                                             \
    X(cuStreamDestroy_v2, (void *stream))                                                                          \
    X(cuStreamSynchronize, (void *stream))                                                                         \
    X(cuStreamWaitEvent, (void *stream, void *event, unsigned flags))                                              \
    X(cuEventCreate, (void **event, unsigned flags))                                                               \
    X(cuEventDestroy_v2, (void *event))                                                                            \
    X(cuEventRecord, (void *event, void *stream))                                                                  \
    X(cuEventSynchronize, (void *event))                                                                           \
    X(cuModuleLoadData, (void **module, const void *code))                                                         \
    X(cuModuleUnload, (void *module))                                                                              \
    X(cuModuleGetFunction, (void **function, void *module, const char *name))                                      \
    X(cuLaunchKernel, (void *function, unsigned x, unsigned y, unsigned z, unsigned threads_x, unsigned threads_y, \
                       unsigned threads_z, unsigned shared, void *stream, void **parameters, void **extra))

extern struct hl_cuda_driver {
#define DECLARE(name, parameters) int(*name) parameters;
    HL_CUDA_DRIVER_FUNCTIONS(DECLARE)
#undef DECLARE
} hl_cuda_driver;

// MARK: A device

/// Pinned buffers, through which the host and the device exchange memory.
enum { HL_CUDA_UPLOADS = 4, HL_CUDA_DOWNLOADS = 2 };

typedef struct {
    char *at;
    /// After what last used it.
    void *event;
    /// Bytes in use since then; of uploads alone.
    size_t used;
    /// Whether the event has been recorded.
    int pending;
} hl_cuda_pinned;

struct hl_cuda_device {
    /// Unlike that of any other device that this process opened.
    unsigned long serial;
    /// As the user counts, and the driver's own number.
    int index, number;
    /// The primary context, which the libraries use too, and the one stream of all that is done.
    void *context, *stream;
    /// cuBLAS's handle and its workspace.
    void *blas;
    uint64_t blas_workspace;
    /// What dnn.c keeps, and how it is put away; it may set both in hl_cuda_dnn_open.
    void *dnn;
    void (*dnn_close)(hl_cuda_device *);
    hl_cuda_pinned uploads[HL_CUDA_UPLOADS], downloads[HL_CUDA_DOWNLOADS];
    int upload_turn;
    void *modules[hl_kernel_file_count];
    void *functions[hl_kernel_count];
    char name[128];
    /// The last message of a failure.
    char message[512];
};

/// Makes the device's context that of the calling thread. Every function that takes a device begins with it. Returns NULL
/// or a message.
const char *hl_cuda_enter(hl_cuda_device *device);

/// Makes cuBLAS ready on a device, and puts it away.
const char *hl_cuda_blas_open(hl_cuda_device *device);
void hl_cuda_blas_close(hl_cuda_device *device);

/// Writes a message that lives until the next one of this device, and returns it.
const char *hl_cuda_message(hl_cuda_device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));

/// NULL for 0, else a message from the driver's error text: "cuMemFree: invalid argument (error 1)".
const char *hl_cuda_driver_error(hl_cuda_device *device, const char *function, int error);

/// Calls a function of the driver; returns from the caller with a message where it fails.
#define CALL(device, name, ...)                                             \
    do {                                                                    \
        const int failure_ = hl_cuda_driver.name(__VA_ARGS__);              \
        if (failure_) return hl_cuda_driver_error(device, #name, failure_); \
    } while (0)

/// Returns from the caller with a message that an expression gives.
#define PASS(expression)                         \
    do {                                         \
        const char *const problem_ = expression; \
        if (problem_) return problem_;           \
    } while (0)
