// Distances between anchors and positives.
#pragma once
#include <stddef.h>

/// Euclidean norm of each row of first − second, both [rows, dimension]; differences, squares and sums in double.
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.PairwiseDistance.html, with eps = 0.
/// The bits do not depend on the instruction set.
void hl_row_distances(const float *first, const float *second, size_t rows, size_t dimension, double *out);
