// Numbers of counter-based sequences.
#pragma once
#include "types.h"

#define HL_CUDA_RANDOM_KERNELS(X) X(random, normals, 0)

/// Row i of y [rows, count] holds standard normal values, one for each of the first words of the sequence whose key and
/// id are in sequences[i]: key low, key high, id low, id high. `blocks`: of four words, that a row takes.
typedef struct {
    float *y;
    const unsigned *sequences;
    unsigned rows, count, blocks;
} hl_cuda_normals;
