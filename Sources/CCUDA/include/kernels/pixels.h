#pragma once
#include "types.h"

#define HL_CUDA_PIXELS_KERNELS(X)
