// NVIDIA's libraries, opened at run time, and our kernels.
#pragma once
#include "hl_cuda_kernels.h"
