// Scalar products of long vectors.
#pragma once
#include <stddef.h>

/// The sum of a[i] * b[i], in sixteen float sums that are added up in double.
/// https://docs.pytorch.org/docs/stable/generated/torch.dot.html
double hl_dot(const float *a, const float *b, size_t n);
