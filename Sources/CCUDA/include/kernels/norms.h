#pragma once
#include "types.h"

#define HL_CUDA_NORMS_KERNELS(X)
