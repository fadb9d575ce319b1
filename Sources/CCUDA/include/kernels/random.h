#pragma once
#include "types.h"

#define HL_CUDA_RANDOM_KERNELS(X)
