// A device by the driver's interface alone: context, stream, memory, launches.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "device.h"

// MARK: Life of a device

static const char *open_device(hl_cuda_device *device) {
    enum { STREAM_NON_BLOCKING = 1 };
    static atomic_ulong opened;
    device->serial = ++opened;
    CALL(device, cuDeviceGet, &device->number, device->index);
    CALL(device, cuDeviceGetName, device->name, sizeof device->name, device->number);
    CALL(device, cuDevicePrimaryCtxRetain, &device->context, device->number);
    PASS(hl_cuda_enter(device));
    CALL(device, cuStreamCreate, &device->stream, STREAM_NON_BLOCKING);
    return hl_cuda_blas_open(device);
}

hl_cuda_device *hl_cuda_device_open(int index, char *error, size_t error_size) {
    hl_cuda_device *device = calloc(1, sizeof *device);
    if (!device) {
        snprintf(error, error_size, "no memory");
        return NULL;
    }
    device->index = index;
    const char *problem = open_device(device);
    if (!problem) return device;
    snprintf(error, error_size, "%s", problem);
    hl_cuda_device_close(device);
    return NULL;
}

static void close_pinned(hl_cuda_pinned *pinned, int count) {
    for (int i = 0; i < count; i++) {
        if (pinned[i].event) hl_cuda_driver.cuEventDestroy_v2(pinned[i].event);
        if (pinned[i].at) hl_cuda_driver.cuMemFreeHost(pinned[i].at);
    }
}

void hl_cuda_device_close(hl_cuda_device *device) {
    if (!device) return;
    if (device->context && !hl_cuda_enter(device)) {
        if (device->stream) hl_cuda_driver.cuStreamSynchronize(device->stream);
        if (device->dnn_close) device->dnn_close(device);
        hl_cuda_blas_close(device);
        for (int i = 0; i < hl_kernel_file_count; i++)
            if (device->modules[i]) hl_cuda_driver.cuModuleUnload(device->modules[i]);
        close_pinned(device->uploads, HL_CUDA_UPLOADS);
        close_pinned(device->downloads, HL_CUDA_DOWNLOADS);
        if (device->stream) hl_cuda_driver.cuStreamDestroy_v2(device->stream);
    }
    if (device->context) hl_cuda_driver.cuDevicePrimaryCtxRelease_v2(device->number);
    free(device);
}

const char *hl_cuda_device_name(const hl_cuda_device *device) { return device->name; }

// MARK: Memory

static uint64_t address(const void *memory) { return (uint64_t)(uintptr_t)memory; }

const char *hl_cuda_device_memory(hl_cuda_device *device, size_t *free, size_t *total) {
    PASS(hl_cuda_enter(device));
    CALL(device, cuMemGetInfo_v2, free, total);
    return NULL;
}

const char *hl_cuda_device_allocate(hl_cuda_device *device, size_t bytes, void **memory) {
    enum { OUT_OF_MEMORY = 2 };
    uint64_t made = 0;
    *memory = NULL;
    PASS(hl_cuda_enter(device));
    const int failure = hl_cuda_driver.cuMemAlloc_v2(&made, bytes);
    if (failure == OUT_OF_MEMORY) return NULL;
    *memory = (void *)(uintptr_t)made;
    return hl_cuda_driver_error(device, "cuMemAlloc", failure);
}

void hl_cuda_device_free(hl_cuda_device *device, void *memory) {
    if (!hl_cuda_enter(device)) hl_cuda_driver.cuMemFree_v2(address(memory));
}

const char *hl_cuda_device_copy(hl_cuda_device *device, const void *source, void *target, size_t bytes) {
    PASS(hl_cuda_enter(device));
    CALL(device, cuMemcpyDtoDAsync_v2, address(target), address(source), bytes, device->stream);
    return NULL;
}

const char *hl_cuda_device_set(hl_cuda_device *device, void *target, unsigned char byte, size_t bytes) {
    PASS(hl_cuda_enter(device));
    CALL(device, cuMemsetD8Async, address(target), byte, bytes, device->stream);
    return NULL;
}

// MARK: Kernels

const char *hl_cuda_device_load(hl_cuda_device *device, hl_kernel_file file, const void *code) {
    PASS(hl_cuda_enter(device));
    if (!device->modules[file]) CALL(device, cuModuleLoadData, &device->modules[file], code);
    for (int kernel = 0; kernel < hl_kernel_count; kernel++) {
        const hl_kernel_description description = hl_kernel_described((hl_kernel)kernel);
        if (description.file != file) continue;
        char name[128];
        snprintf(name, sizeof name, "kernel_%s", description.name);
        CALL(device, cuModuleGetFunction, &device->functions[kernel], device->modules[file], name);
    }
    return NULL;
}

int hl_cuda_device_has(const hl_cuda_device *device, hl_kernel kernel) { return device->functions[kernel] != NULL; }

const char *hl_cuda_device_launch(hl_cuda_device *device, hl_kernel kernel, unsigned x, unsigned y,
                                  const void *arguments, size_t size) {
    // How a launch is told of arguments that lie in memory as the kernel takes them.
    void *const end = (void *)0, *const pointer = (void *)1, *const bytes = (void *)2;
    void *extra[] = {pointer, (void *)(uintptr_t)arguments, bytes, &size, end};
    PASS(hl_cuda_enter(device));
    const int result = hl_cuda_driver.cuLaunchKernel(device->functions[kernel], x, y, 1, HL_CUDA_THREADS, 1, 1, 0,
                                                     device->stream, NULL, extra);
    if (!result) return NULL;
    char what[128];
    snprintf(what, sizeof what, "kernel %s", hl_kernel_described(kernel).name);
    return hl_cuda_driver_error(device, what, result);
}
