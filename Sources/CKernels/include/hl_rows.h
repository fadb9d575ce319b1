// The bias of a linear layer: added to every row, its gradient summed down the columns.
// https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html
#pragma once
#include <stddef.h>

/// matrix [rows][columns] += vector, rows first..<last.
void hl_add_row_vector(float *matrix, const float *vector, size_t first, size_t last, size_t columns);
/// Sums down the columns first..<last of a matrix, in double.
void hl_column_sums(const float *matrix, size_t rows, size_t columns, size_t first, size_t last, float *sums);
