// Losses of the rows of a matrix [rows][columns], each with its gradient, rows first..<last.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// -log softmax(logits * scale)[target] per row, and its gradient with regard to logits, times `weight`. A target of -1
/// skips the row. Column `skip[row]`, where `skip` is given, takes no part (a sample is not its own negative: SimCLR's
/// equation 1, https://arxiv.org/abs/2002.05709).
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html
void hl_cross_entropy_rows(const float *logits, const int32_t *targets, const int32_t *skip, float scale, float weight,
                           float *losses, float *gradient, size_t first, size_t last, size_t columns);
/// Negative cosine similarity of rows, and its gradient with regard to p, times `weight`; z is a constant. SimSiam's
/// equation 1, https://arxiv.org/abs/2011.10566; bounded below as
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.CosineSimilarity.html
void hl_negative_cosine_rows(const float *p, const float *z, float weight, float *losses, float *gradient, size_t first,
                             size_t last, size_t columns);
