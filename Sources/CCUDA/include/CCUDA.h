// NVIDIA's libraries, opened at run time, and our kernels.
//
// The driver (libcuda) alone makes a device; NVRTC compiles our kernels, cuBLAS multiplies matrices, cuDNN convolves.
// Nothing of them is needed to build. Functions that can fail return NULL, or a message that lives until the next
// failure of the same device or library. One thread at a time may use a device. Arguments of kernels have names of the
// form hl_cuda_NAME too: functions of this file say in theirs what they belong to.
//
// https://docs.nvidia.com/cuda/cuda-driver-api, https://docs.nvidia.com/cuda/nvrtc, https://docs.nvidia.com/cuda/cublas
#pragma once
#include <stddef.h>

#include "hl_cuda_kernels.h"
#include "hl_cuda_nccl.h"

// MARK: Libraries

/// In the order in which they are to be opened: a later one looks for earlier ones by name, and finds those that are open.
typedef enum {
    HL_CUDA_NVRTC_BUILTINS,
    HL_CUDA_NVRTC,
    HL_CUDA_CUBLASLT,
    HL_CUDA_CUBLAS,
    HL_CUDA_CUDNN,
    HL_CUDA_NCCL,
    HL_CUDA_DRIVER,
    HL_CUDA_LIBRARY_COUNT
} hl_cuda_library_name;

/// Opens a library by its path, or by its name where the system's loader is to look for it. One that is open stays.
const char *hl_cuda_library_open(hl_cuda_library_name which, const char *path);

/// Closes it, where another one is to be tried.
void hl_cuda_library_close(hl_cuda_library_name which);

/// Where a library was found, with its folder; NULL before it is open.
const char *hl_cuda_library_path(hl_cuda_library_name which);

/// What an open cuDNN says of itself: its version, 92700 for 9.27.0 and 8907 for 8.9.7, and that of the CUDA that it was
/// made for, 12090 for 12.9. 0 where there is none.
size_t hl_cuda_dnn_version(void);
size_t hl_cuda_dnn_runtime(void);

// MARK: The driver

/// Opens libcuda.so.1 and initialises it, once for a process. Several threads may call it at once.
const char *hl_cuda_driver_open(void);

/// Whether there is a driver that does not work, as after an update of it; 0 where there is just no card.
int hl_cuda_driver_has_problem(void);

/// The CUDA version that the driver allows: 12040 for 12.4; 0 before it is open.
int hl_cuda_driver_version(void);

/// Cards that the driver shows; 0 before it is open.
int hl_cuda_device_count(void);

// MARK: NVRTC

/// After its library is open.
const char *hl_cuda_nvrtc_load(void);

/// 12090 for 12.9; 0 before it is loaded.
int hl_cuda_nvrtc_version(void);

/// Fills `architectures` with what it compiles for, 90 for sm_90, ascending; returns how many, at most `capacity`.
int hl_cuda_nvrtc_architectures(int *architectures, int capacity);

/// Compiles a text. `code`, which the caller frees, is a cubin, or PTX where `options` name a virtual architecture and
/// `intermediate` is not 0. A message holds what the compiler said and is to be freed as well.
char *hl_cuda_nvrtc_compile(const char *text, const char *name, const char *const *options, int count, int intermediate,
                            void **code, size_t *size);

// MARK: cuBLAS

/// After its library is open.
const char *hl_cuda_blas_load(void);

/// 120905 for 12.9.5 and the like; 0 before it is loaded.
int hl_cuda_blas_version(void);

// MARK: A device

/// A card with its context and stream.
typedef struct hl_cuda_device hl_cuda_device;

/// Opens a card by its index. Driver, NVRTC and cuBLAS must be loaded. NULL with a message in `error`.
hl_cuda_device *hl_cuda_device_open(int index, char *error, size_t error_size);

/// Waits for what is enqueued and gives everything back.
void hl_cuda_device_close(hl_cuda_device *device);

/// "NVIDIA H100 80GB HBM3"
const char *hl_cuda_device_name(const hl_cuda_device *device);

/// Of a card by its index: 90 for compute capability 9.0; 0 where there is none.
int hl_cuda_device_architecture(int index);

/// Bytes that the card has free and in all.
const char *hl_cuda_device_memory(hl_cuda_device *device, size_t *free, size_t *total);

/// Memory, aligned to 256 bytes. `memory` is NULL where there is none left; a message where something else is wrong.
const char *hl_cuda_device_allocate(hl_cuda_device *device, size_t bytes, void **memory);
void hl_cuda_device_free(hl_cuda_device *device, void *memory);

/// From the host through pinned memory; `source` may change at once.
const char *hl_cuda_device_upload(hl_cuda_device *device, const void *source, void *target, size_t bytes);

/// To the host, after everything enqueued so far: waits.
const char *hl_cuda_device_download(hl_cuda_device *device, const void *source, void *target, size_t bytes);

const char *hl_cuda_device_copy(hl_cuda_device *device, const void *source, void *target, size_t bytes);
const char *hl_cuda_device_set(hl_cuda_device *device, void *target, unsigned char byte, size_t bytes);

/// Loads the kernels of a file, cubin or PTX.
const char *hl_cuda_device_load(hl_cuda_device *device, hl_kernel_file file, const void *code);

/// Whether a kernel's file has been loaded.
int hl_cuda_device_has(const hl_cuda_device *device, hl_kernel kernel);

/// Starts x * y blocks of HL_CUDA_THREADS threads with `size` bytes of arguments, which are read at once.
const char *hl_cuda_device_launch(hl_cuda_device *device, hl_kernel kernel, unsigned x, unsigned y,
                                  const void *arguments, size_t size);

// MARK: Products of matrices

/// c [rows, columns] = scale * op(a) op(b), or that added to c, row-major: `count` products. Strides are values from one
/// row to the next of a, b and c as they are given, steps those from one product to the next.
typedef struct {
    int rows, columns, depth, transpose_a, transpose_b, accumulates, count;
    /// Whether a and b, and whether c, are bf16; f32 else. Sums are f32.
    int narrow, narrow_result;
    /// Whether f32 may be rounded to TF32 on its way in.
    int tf32;
    long stride_a, stride_b, stride_c;
    long step_a, step_b, step_c;
    float scale;
} hl_cuda_product;

const char *hl_cuda_blas_multiply(hl_cuda_device *device, const hl_cuda_product *product, const void *a, const void *b,
                                  void *c);

// MARK: Convolutions

/// With channels last: x [batch, height, width, inputs], weight [outputs, kernel, kernel, inputs],
/// y [batch, rows, columns, outputs].
typedef struct {
    /// 0: y of x and weight, 1: x of y and weight, 2: the weight of x and y.
    int pass;
    /// Whether all three are bf16; f32 else. Sums are f32.
    int narrow;
    /// Whether f32 may be rounded to TF32 on its way in.
    int tf32;
    int batch, inputs, height, width, outputs, rows, columns, kernel, stride, padding;
    /// Zeros behind the last row and column, beside the padding.
    int trailing;
} hl_cuda_convolution;

/// Makes cuDNN ready on a device. Returns NULL when it is, else why it is not used.
const char *hl_cuda_dnn_open(hl_cuda_device *device);

/// Bytes that a convolution needs beside its tensors.
const char *hl_cuda_dnn_workspace(hl_cuda_device *device, const hl_cuda_convolution *convolution, size_t *bytes);

/// Computes the tensor of its pass from the two others.
const char *hl_cuda_dnn_convolve(hl_cuda_device *device, const hl_cuda_convolution *convolution, void *x, void *weight,
                                 void *y, void *workspace);
