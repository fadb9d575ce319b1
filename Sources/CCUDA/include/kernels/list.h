// All kernels: a file of `kernels`, a name, and whether threads wait for each other in it.
#pragma once
#include "augmentation.h"
#include "elementwise.h"
#include "losses.h"
#include "memory.h"
#include "modulation.h"
#include "norms.h"
#include "optimisers.h"
#include "pixels.h"
#include "pooling.h"
#include "random.h"
#include "rows.h"
#include "shapes.h"
#include "sides.h"
#include "weights.h"
#include "windows.h"

#define HL_CUDA_KERNELS(X)         \
    HL_CUDA_MEMORY_KERNELS(X)      \
    HL_CUDA_ROWS_KERNELS(X)        \
    HL_CUDA_ELEMENTWISE_KERNELS(X) \
    HL_CUDA_MODULATION_KERNELS(X)  \
    HL_CUDA_SIDES_KERNELS(X)       \
    HL_CUDA_NORMS_KERNELS(X)       \
    HL_CUDA_POOLING_KERNELS(X)     \
    HL_CUDA_LOSSES_KERNELS(X)      \
    HL_CUDA_WINDOWS_KERNELS(X)     \
    HL_CUDA_WEIGHTS_KERNELS(X)     \
    HL_CUDA_PIXELS_KERNELS(X)      \
    HL_CUDA_AUGMENTATION_KERNELS(X) HL_CUDA_RANDOM_KERNELS(X) HL_CUDA_OPTIMISERS_KERNELS(X) HL_CUDA_SHAPES_KERNELS(X)

/// The files, in the order in which their texts are kept.
#define HL_CUDA_FILES(X) \
    X(memory)            \
    X(rows)              \
    X(elementwise)       \
    X(modulation)        \
    X(sides)             \
    X(norms)             \
    X(norm_gradients)    \
    X(pooling) X(losses) X(windows) X(weights) X(pixels) X(augmentation) X(random) X(optimisers) X(shapes)
