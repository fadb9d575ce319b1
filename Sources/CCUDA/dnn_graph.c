// A convolution in the terms of cuDNN's backend API: descriptors of tensors, of the window and of the operation.
#include "dnn.h"

#include <stdio.h>
#include <string.h>

#include "device.h"

const char *hl_cuda_dnn_resolve(hl_cuda_dnn_library *library) {
    static const char *const names[] = {
#define NAME(result, name, arguments) #name,
        HL_CUDA_DNN_FUNCTIONS(NAME)
#undef NAME
    };
    const char *error = hl_cuda_resolve(HL_CUDA_CUDNN, names, sizeof names / sizeof *names, (void **)library);
    *(void **)&library->cudnnGetLastErrorString = hl_cuda_symbol(HL_CUDA_CUDNN, "cudnnGetLastErrorString");
    return error;
}

void hl_cuda_dnn_explain(const hl_cuda_dnn_library *library, int status, char *text, size_t size) {
    text[0] = 0;
    if (library->cudnnGetLastErrorString) library->cudnnGetLastErrorString(text, size);
    text[size - 1] = 0;
    // Several lines, of which the first says it.
    text[strcspn(text, "\n")] = 0;
    if (!text[0]) snprintf(text, size, "%s", library->cudnnGetErrorString(status));
}

// MARK: Descriptors

void *hl_cuda_dnn_make(hl_cuda_dnn_bench *bench, int type) {
    if (bench->status) return NULL;
    void *descriptor = NULL;
    bench->status = bench->library->cudnnBackendCreateDescriptor(type, &descriptor);
    if (!bench->status) bench->made[bench->count++] = descriptor;
    return descriptor;
}

void hl_cuda_dnn_set(hl_cuda_dnn_bench *bench, void *descriptor, int attribute, int type, int64_t count,
                     const void *values) {
    if (!bench->status)
        bench->status = bench->library->cudnnBackendSetAttribute(descriptor, attribute, type, count, values);
}

void hl_cuda_dnn_set_int(hl_cuda_dnn_bench *bench, void *descriptor, int attribute, int type, int value) {
    hl_cuda_dnn_set(bench, descriptor, attribute, type, 1, &value);
}

void hl_cuda_dnn_set_pointer(hl_cuda_dnn_bench *bench, void *descriptor, int attribute, int type, void *value) {
    hl_cuda_dnn_set(bench, descriptor, attribute, type, 1, &value);
}

void hl_cuda_dnn_finish(hl_cuda_dnn_bench *bench, void *descriptor) {
    if (!bench->status) bench->status = bench->library->cudnnBackendFinalize(descriptor);
}

void hl_cuda_dnn_clear(hl_cuda_dnn_bench *bench) {
    while (bench->count > 0) bench->library->cudnnBackendDestroyDescriptor(bench->made[--bench->count]);
}

// MARK: What a convolution is to the library

// Channels last in memory; dimensions are counted as if they came second.
static void *tensor(hl_cuda_dnn_bench *bench, int64_t id, int type, int64_t outer, int64_t channels, int64_t height,
                    int64_t width) {
    const int64_t dimensions[] = {outer, channels, height, width};
    const int64_t strides[] = {channels * height * width, 1, channels * width, channels};
    const int64_t alignment = 16;
    void *result = hl_cuda_dnn_make(bench, DNN_TENSOR);
    hl_cuda_dnn_set_int(bench, result, DNN_TENSOR_TYPE, DNN_IS_DATA_TYPE, type);
    hl_cuda_dnn_set(bench, result, DNN_TENSOR_DIMENSIONS, DNN_IS_INT64, 4, dimensions);
    hl_cuda_dnn_set(bench, result, DNN_TENSOR_STRIDES, DNN_IS_INT64, 4, strides);
    hl_cuda_dnn_set(bench, result, DNN_TENSOR_ID, DNN_IS_INT64, 1, &id);
    hl_cuda_dnn_set(bench, result, DNN_TENSOR_ALIGNMENT, DNN_IS_INT64, 1, &alignment);
    hl_cuda_dnn_finish(bench, result);
    return result;
}

static void *window(hl_cuda_dnn_bench *bench, const hl_cuda_convolution *c) {
    const int64_t rank = 2, dilations[] = {1, 1}, strides[] = {c->stride, c->stride};
    const int64_t before[] = {c->padding, c->padding};
    const int64_t behind[] = {c->padding + c->trailing, c->padding + c->trailing};
    void *result = hl_cuda_dnn_make(bench, DNN_CONVOLUTION);
    hl_cuda_dnn_set(bench, result, DNN_CONVOLUTION_DIMENSIONS, DNN_IS_INT64, 1, &rank);
    hl_cuda_dnn_set_int(bench, result, DNN_CONVOLUTION_COMPUTE_TYPE, DNN_IS_DATA_TYPE, DNN_F32);
    hl_cuda_dnn_set_int(bench, result, DNN_CONVOLUTION_MODE, DNN_IS_CONVOLUTION_MODE, DNN_CROSS_CORRELATION);
    hl_cuda_dnn_set(bench, result, DNN_CONVOLUTION_PADDING_BEFORE, DNN_IS_INT64, 2, before);
    hl_cuda_dnn_set(bench, result, DNN_CONVOLUTION_PADDING_BEHIND, DNN_IS_INT64, 2, behind);
    hl_cuda_dnn_set(bench, result, DNN_CONVOLUTION_DILATIONS, DNN_IS_INT64, 2, dilations);
    hl_cuda_dnn_set(bench, result, DNN_CONVOLUTION_STRIDES, DNN_IS_INT64, 2, strides);
    hl_cuda_dnn_finish(bench, result);
    return result;
}

void *hl_cuda_dnn_graph(hl_cuda_dnn_bench *bench, void *handle, const hl_cuda_convolution *c) {
    static const struct {
        int descriptor, factor;
    } passes[] = {
        {DNN_FORWARD, DNN_FORWARD_FACTOR},
        {DNN_INPUT_GRADIENT, DNN_INPUT_GRADIENT_FACTOR},
        {DNN_WEIGHT_GRADIENT, DNN_WEIGHT_GRADIENT_FACTOR},
    };
    const int type = c->narrow ? DNN_BF16 : DNN_F32, first = passes[c->pass].factor;
    const float one = 1, zero = 0;
    void *x = tensor(bench, DNN_ID_X, type, c->batch, c->inputs, c->height, c->width);
    void *weight = tensor(bench, DNN_ID_WEIGHT, type, c->outputs, c->inputs, c->kernel, c->kernel);
    void *y = tensor(bench, DNN_ID_Y, type, c->batch, c->outputs, c->rows, c->columns);
    void *geometry = window(bench, c);
    void *operation = hl_cuda_dnn_make(bench, passes[c->pass].descriptor);
    hl_cuda_dnn_set(bench, operation, first, DNN_IS_FLOAT, 1, &one);
    hl_cuda_dnn_set(bench, operation, first + 1, DNN_IS_FLOAT, 1, &zero);
    hl_cuda_dnn_set_pointer(bench, operation, first + 2, DNN_IS_DESCRIPTOR, geometry);
    hl_cuda_dnn_set_pointer(bench, operation, first + 3, DNN_IS_DESCRIPTOR, weight);
    hl_cuda_dnn_set_pointer(bench, operation, first + 4, DNN_IS_DESCRIPTOR, x);
    hl_cuda_dnn_set_pointer(bench, operation, first + 5, DNN_IS_DESCRIPTOR, y);
    hl_cuda_dnn_finish(bench, operation);
    void *result = hl_cuda_dnn_make(bench, DNN_GRAPH);
    hl_cuda_dnn_set_pointer(bench, result, DNN_GRAPH_OPERATIONS, DNN_IS_DESCRIPTOR, operation);
    if (handle) hl_cuda_dnn_set_pointer(bench, result, DNN_GRAPH_HANDLE, DNN_IS_HANDLE, handle);
    hl_cuda_dnn_finish(bench, result);
    return result;
}
