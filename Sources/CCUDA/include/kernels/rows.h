#pragma once
#include "types.h"

#define HL_CUDA_ROWS_KERNELS(X)
