// Rows of a matrix [rows][columns] brought to length 1, rows first..<last.
// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.normalize.html
#pragma once
#include <stddef.h>

/// y = x / max(|x|, 1e-12), as torch.nn.functional.normalize; `norms` keeps |x| for the way back.
void hl_normalise_rows(const float *x, float *y, float *norms, size_t first, size_t last, size_t columns);
/// input_gradient = (g - <g, y> y) / max(|x|, 1e-12); the projection is left out where |x| was below the bound.
void hl_normalise_rows_backward(const float *y, const float *norms, const float *gradient, float *input_gradient,
                                size_t first, size_t last, size_t columns);
