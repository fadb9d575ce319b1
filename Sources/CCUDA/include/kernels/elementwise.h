#pragma once
#include "types.h"

#define HL_CUDA_ELEMENTWISE_KERNELS(X)
