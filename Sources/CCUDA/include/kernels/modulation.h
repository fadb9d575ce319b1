#pragma once
#include "types.h"

#define HL_CUDA_MODULATION_KERNELS(X)
