#pragma once
#include "types.h"

#define HL_CUDA_WINDOWS_KERNELS(X)
