#pragma once
#include "types.h"

#define HL_CUDA_OPTIMISERS_KERNELS(X)
