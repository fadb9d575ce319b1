// One step of an optimiser for all of its parameters, each in one launch, LARS in two.
#pragma once
#include "types.h"

#define HL_CUDA_OPTIMISERS_KERNELS(X) \
    X(optimisers, sgd, 0)             \
    X(optimisers, lars_squares, 1)    \
    X(optimisers, lars, 1)            \
    X(optimisers, adam, 0)

/// A parameter's part: `count` values each, in one order. first: the velocity of SGD and LARS, the first moment of
/// Adam; second: Adam's second moment. decay: the L2 decay of SGD and LARS; of Adam what it leaves of the weight,
/// 1 - rate decay. It takes `pieces` pieces, counted through all parameters, from first_piece on.
typedef struct {
    float *weight;
    const float *gradient;
    float *first, *second;
    unsigned count, first_piece, pieces;
    float decay;
    int is_adapted, unused;
} hl_cuda_parameter;

/// What every launch gets: all parameters, and by piece, one for each block, whose it is.
typedef struct {
    const hl_cuda_parameter *parameters;
    const int *owners;
} hl_cuda_parameters;

/// v = momentum v + (g + decay w); w -= rate v
typedef struct {
    hl_cuda_parameters all;
    float rate, momentum;
} hl_cuda_sgd;

/// The sums of the squares of w and of g + decay w of each piece, [pieces, 2].
typedef struct {
    hl_cuda_parameters all;
    double *squares;
} hl_cuda_lars_squares;

/// v = momentum v + factor (g + decay w); w -= rate v, with the factor trust |w| / |g + decay w| where the parameter is
/// adapted and neither is 0, else 1.
typedef struct {
    hl_cuda_parameters all;
    const double *squares;
    float rate, momentum, trust;
} hl_cuda_lars;

/// m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g²; w = decay w - rate m / (sqrt(v) inverse_root + epsilon)
typedef struct {
    hl_cuda_parameters all;
    float rate, beta1, beta2, inverse_root, epsilon;
} hl_cuda_adam;

/// Values of a piece: enough pieces that no processor of a card waits long for another.
#define HL_CUDA_OPTIMISER_PIECE 16384
