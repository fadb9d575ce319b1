// cuDNN's backend API: what is used of it, and plans of convolutions that are made with it.
//
// Prototypes and numbers are those of its documentation
// (https://docs.nvidia.com/deeplearning/cudnn/backend/latest/api/cudnn-graph-library.html); where they matter here,
// versions 8.9 and 9 have the same. Statuses differ but for 0, which is success.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "CCUDA.h"

// Functions of the library: X(result, name, arguments).
#define HL_CUDA_DNN_FUNCTIONS(X)                                                                                     \
    X(const char *, cudnnGetErrorString, (int status))                                                               \
    X(int, cudnnCreate, (void **handle))                                                                             \
    X(int, cudnnDestroy, (void *handle))                                                                             \
    X(int, cudnnSetStream, (void *handle, void *stream))                                                             \
    X(int, cudnnBackendCreateDescriptor, (int type, void **descriptor))                                              \
    X(int, cudnnBackendDestroyDescriptor, (void *descriptor))                                                        \
    X(int, cudnnBackendFinalize, (void *descriptor))                                                                 \
    X(int, cudnnBackendSetAttribute, (void *descriptor, int attribute, int type, int64_t count, const void *values)) \
    X(int, cudnnBackendGetAttribute,                                                                                 \
      (void *descriptor, int attribute, int type, int64_t wanted, int64_t *count, void *values))                     \
    X(int, cudnnBackendExecute, (void *handle, void *plan, void *pack))

// The library, once it is open.
typedef struct {
#define DECLARE(result, name, arguments) result(*name) arguments;
    HL_CUDA_DNN_FUNCTIONS(DECLARE)
#undef DECLARE
    // What was wrong, in words: of version 9, NULL before.
    void (*cudnnGetLastErrorString)(char *text, size_t size);
} hl_cuda_dnn_library;

// Finds the functions in the library that is open. Returns NULL or a message.
const char *hl_cuda_dnn_resolve(hl_cuda_dnn_library *library);

// What the library says of a failure: its last message, where it has one, or else the name of the status.
void hl_cuda_dnn_explain(const hl_cuda_dnn_library *library, int status, char *text, size_t size);

// MARK: Numbers of the API

// Types of descriptors.
enum {
    DNN_CONVOLUTION = 1,
    DNN_ENGINE = 2,
    DNN_CONFIGURATION = 3,
    DNN_HEURISTICS = 4,
    DNN_PLAN = 5,
    DNN_FORWARD = 10,
    DNN_WEIGHT_GRADIENT = 11,
    DNN_INPUT_GRADIENT = 12,
    DNN_GRAPH = 15,
    DNN_VARIANT_PACK = 16,
    DNN_TENSOR = 17,
    // From 9.8 on.
    DNN_CARD = 38,
};

// Types of attributes.
enum {
    DNN_IS_HANDLE = 0,
    DNN_IS_DATA_TYPE = 1,
    DNN_IS_INT64 = 3,
    DNN_IS_FLOAT = 4,
    DNN_IS_POINTER = 6,
    DNN_IS_CONVOLUTION_MODE = 7,
    DNN_IS_HEURISTIC_MODE = 8,
    DNN_IS_NUMERICAL_NOTE = 11,
    DNN_IS_DESCRIPTOR = 15,
    DNN_IS_BEHAVIOUR_NOTE = 19,
    DNN_IS_CHAR = 24,
};

// Attributes, by descriptor.
enum {
    DNN_CONVOLUTION_COMPUTE_TYPE = 100,
    DNN_CONVOLUTION_MODE = 101,
    DNN_CONVOLUTION_DILATIONS = 102,
    DNN_CONVOLUTION_STRIDES = 103,
    DNN_CONVOLUTION_PADDING_BEHIND = 104,
    DNN_CONVOLUTION_PADDING_BEFORE = 105,
    DNN_CONVOLUTION_DIMENSIONS = 106,
    DNN_HEURISTICS_MODE = 200,
    DNN_HEURISTICS_GRAPH = 201,
    DNN_HEURISTICS_RESULTS = 202,
    DNN_HEURISTICS_CARD = 204,
    DNN_CONFIGURATION_ENGINE = 300,
    DNN_PLAN_HANDLE = 400,
    DNN_PLAN_CONFIGURATION = 401,
    DNN_PLAN_WORKSPACE = 402,
    DNN_PLAN_CARD = 407,
    // Of a convolution's passes, each with five more behind it: factors on the result and on what was there, convolution,
    // weight, x, y.
    DNN_FORWARD_FACTOR = 700,
    DNN_INPUT_GRADIENT_FACTOR = 706,
    DNN_WEIGHT_GRADIENT_FACTOR = 712,
    DNN_GRAPH_HANDLE = 800,
    DNN_GRAPH_OPERATIONS = 801,
    DNN_TENSOR_ALIGNMENT = 900,
    DNN_TENSOR_TYPE = 901,
    DNN_TENSOR_DIMENSIONS = 902,
    DNN_TENSOR_STRIDES = 903,
    DNN_TENSOR_ID = 906,
    DNN_PACK_IDS = 1000,
    DNN_PACK_POINTERS = 1001,
    DNN_PACK_WORKSPACE = 1003,
    DNN_ENGINE_NUMBER = 1301,
    DNN_ENGINE_NUMERICAL_NOTES = 1303,
    DNN_ENGINE_BEHAVIOUR_NOTES = 1305,
    DNN_CARD_JSON = 2702,
};

// Values of attributes.
enum {
    DNN_F32 = 0,
    DNN_BF16 = 9,
    DNN_CROSS_CORRELATION = 1,
    DNN_HEURISTIC_FALLBACK = 2,
    DNN_HEURISTIC_A = 3,
};

// Numerical notes of an engine, as bits.
enum {
    DNN_NOTE_TENSOR_CORE = 1 << 0,
    DNN_NOTE_ROUNDS_INPUTS = 1 << 1,
    DNN_NOTE_ROUNDS_SUMS = 1 << 2,
    DNN_NOTE_VARIES = 1 << 4,
};

// Behaviour notes of an engine, as bits.
enum { DNN_NOTE_COMPILES = 1 << 0 };

// What x, weight and y are called in graphs.
enum { DNN_ID_X = 1, DNN_ID_WEIGHT, DNN_ID_Y };

// MARK: Descriptors

// Descriptors in the making. After a failure all further steps do nothing.
typedef struct {
    const hl_cuda_dnn_library *library;
    // Of the first failure.
    int status;
    void *made[16];
    int count;
} hl_cuda_dnn_bench;

// A new descriptor, which goes when the bench is cleared.
void *hl_cuda_dnn_make(hl_cuda_dnn_bench *bench, int type);
void hl_cuda_dnn_set(hl_cuda_dnn_bench *bench, void *descriptor, int attribute, int type, int64_t count,
                     const void *values);
void hl_cuda_dnn_set_int(hl_cuda_dnn_bench *bench, void *descriptor, int attribute, int type, int value);
void hl_cuda_dnn_set_pointer(hl_cuda_dnn_bench *bench, void *descriptor, int attribute, int type, void *value);
void hl_cuda_dnn_finish(hl_cuda_dnn_bench *bench, void *descriptor);
void hl_cuda_dnn_clear(hl_cuda_dnn_bench *bench);

// The graph of one operation that a convolution is. The handle may be NULL, where there is no card.
void *hl_cuda_dnn_graph(hl_cuda_dnn_bench *bench, void *handle, const hl_cuda_convolution *convolution);

// MARK: Plans

// What the library is to do for a convolution.
typedef struct {
    hl_cuda_convolution convolution;
    // A finalised plan and its configuration; NULL where there is none.
    void *plan, *configuration;
    // Bytes.
    int64_t workspace;
    // Why there is none; NULL where there is one.
    char *error;
    // What was taken: the list, the place in it, the number of the engine and its notes.
    int mode, place;
    int64_t engine;
    unsigned notes, behaviour;
} hl_cuda_dnn_plan;

// Where plans are made and kept: on a card by its handle, or for a card that is only described (9.8 and later).
typedef struct {
    hl_cuda_dnn_library library;
    void *handle, *card;
    // Open addressing; the capacity is a power of two or 0.
    hl_cuda_dnn_plan **slots;
    size_t capacity, count;
} hl_cuda_dnn_plans;

// Most bytes that a plan may need beside its tensors: what is asked for first, and what is put up with.
#define HL_CUDA_DNN_WORKSPACE ((int64_t)256 << 20)
#define HL_CUDA_DNN_LARGEST_WORKSPACE ((int64_t)1 << 30)

// The plan of a convolution, made at the first call and kept.
// Returns NULL, or a message that lives as long as the plans.
const char *hl_cuda_dnn_plan_of(hl_cuda_dnn_plans *plans, const hl_cuda_convolution *convolution,
                                const hl_cuda_dnn_plan **plan);

// Forgets all plans.
void hl_cuda_dnn_forget(hl_cuda_dnn_plans *plans);
