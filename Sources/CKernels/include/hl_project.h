// Rows times a matrix, each by itself.
#pragma once
#include <stddef.h>

enum { HL_PROJECT_LANES = 16 };

/// y = x weightᵀ, [rows][outputs], of x [rows][inputs] and weight [outputs][inputs]; of y the columns of the panels
/// first..<last, of HL_PROJECT_LANES columns each. A row of y depends on its row of x alone, to the bit, and is the
/// same for every instruction set. https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.linear.html
/// `packed` is room for inputs * HL_PROJECT_LANES floats.
void hl_project_rows(const float *x, size_t rows, size_t inputs, const float *weight, size_t outputs, size_t first,
                     size_t last, float *packed, float *y);
