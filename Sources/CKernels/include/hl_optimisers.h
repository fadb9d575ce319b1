// Steps of optimisers over flat arrays of `n` floats, in any layout that all operands share.
#pragma once
#include <stddef.h>

/// SGD with momentum and L2 decay as torch.optim.SGD has it: v = momentum v + (g + decay w); w -= rate v.
/// https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html
void hl_sgd(float *weights, const float *gradient, float *velocity, float rate, float momentum, float decay, size_t n);
/// Adam (Kingma and Ba 2015, https://arxiv.org/abs/1412.6980, algorithm 1) as torch.optim.Adam has it, and with a factor
/// `kept` below 1, 1 - rate decay, as torch.optim.AdamW has it (Loshchilov and Hutter 2019,
/// https://arxiv.org/abs/1711.05101); `rate` and `inverse_root` already carry the bias corrections:
/// m = b1 m + (1-b1) g; v = b2 v + (1-b2) g²; w = kept w - rate m / (sqrt(v) * inverse_root + epsilon).
/// https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html
void hl_adam(float *weights, const float *gradient, float *first, float *second, float rate, float beta1, float beta2,
             float inverse_root, float epsilon, float kept, size_t n);
/// LARS (You, Gitman and Ginsburg 2017, https://arxiv.org/abs/1708.03888, equation 6) as BYOL's code has it:
/// v = momentum v + trust (g + decay w); w -= rate v, where the caller works out the trust from `hl_lars_squares`: the
/// sums of the squares of w and of g + decay w.
/// https://github.com/google-deepmind/deepmind-research/blob/master/byol/utils/optimizers.py
void hl_lars_squares(const float *weights, const float *gradient, float decay, size_t n, double *squares);
void hl_lars(float *weights, const float *gradient, float *velocity, float rate, float momentum, float decay,
             float trust, size_t n);
/// The momentum encoder, target = decay target + (1 - decay) source: MoCo's equation 2,
/// https://arxiv.org/abs/1911.05722
void hl_average(float *target, const float *source, float decay, size_t n);
