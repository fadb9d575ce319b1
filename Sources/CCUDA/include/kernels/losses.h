#pragma once
#include "types.h"

#define HL_CUDA_LOSSES_KERNELS(X)
