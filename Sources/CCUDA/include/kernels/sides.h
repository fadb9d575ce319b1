#pragma once
#include "types.h"

#define HL_CUDA_SIDES_KERNELS(X)
