// Softmax of the rows of a matrix, and its way back.
// https://docs.pytorch.org/docs/stable/generated/torch.softmax.html
#pragma once
#include <stddef.h>

/// softmax = exp(x - max) / sum of exp(x - max), rows first..<last in place.
void hl_softmax_rows(float *matrix, size_t first, size_t last, size_t columns);
/// gradient = softmax * (gradient - sum over the row of gradient * softmax), in place.
void hl_softmax_rows_backward(const float *softmax, float *gradient, size_t first, size_t last, size_t columns);
