// Operations on matrices [rows][columns], rows first..<last unless said otherwise.
#pragma once
#include <stddef.h>
#include <stdint.h>

void hl_add_row_vector(float *matrix, const float *vector, size_t first, size_t last, size_t columns);
/// Sums down the columns first..<last of a matrix, in double.
void hl_column_sums(const float *matrix, size_t rows, size_t columns, size_t first, size_t last, float *sums);
/// y = x / max(|x|, 1e-12), as torch.nn.functional.normalize; `norms` keeps |x| for the way back.
void hl_normalise_rows(const float *x, float *y, float *norms, size_t first, size_t last, size_t columns);
void hl_normalise_rows_backward(const float *y, const float *norms, const float *gradient, float *input_gradient,
                                size_t first, size_t last, size_t columns);
/// -log softmax(logits * scale)[target] per row, and its gradient with regard to logits, times `weight`. A target of -1
/// skips the row. Column `skip[row]`, where `skip` is given, takes no part (a sample is not its own negative).
void hl_cross_entropy_rows(const float *logits, const int32_t *targets, const int32_t *skip, float scale, float weight,
                           float *losses, float *gradient, size_t first, size_t last, size_t columns);
/// Negative cosine similarity of rows, and its gradient with regard to p, times `weight`; z is a constant.
void hl_negative_cosine_rows(const float *p, const float *z, float weight, float *losses, float *gradient, size_t first,
                             size_t last, size_t columns);
/// im2col of one image [channels][height][width] into [channels * kernel²][out positions], and its adjoint.
void hl_im2col(const float *image, float *columns, size_t channels, size_t height, size_t width, size_t kernel,
               size_t stride, size_t padding);
void hl_col2im(const float *columns, float *image, size_t channels, size_t height, size_t width, size_t kernel,
               size_t stride, size_t padding);
/// Kernels of 9 taps to four kernels of `taps` (4 or 9) each: target[p][n][t] = sum over a of matrix[a][p * taps + t] *
/// source[n][a], where the matrix has 16 columns, or 48 with 12 unused.
void hl_combine_kernels(const float *source, float *target, size_t count, const float *matrix, size_t taps);
/// The sum of a[i] * b[i], in sixteen float sums that are added up in double.
double hl_dot(const float *a, const float *b, size_t n);
