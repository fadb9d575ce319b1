#pragma once
#include "types.h"

#define HL_CUDA_AUGMENTATION_KERNELS(X)
