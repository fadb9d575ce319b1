#pragma once
#include "types.h"

#define HL_CUDA_POOLING_KERNELS(X)
