// The test of Epps and Pulley (1983, https://doi.org/10.1093/biomet/70.3.723) for one-dimensional samples against N(0, 1),
// as SIGReg takes it: https://github.com/rbalestr-lab/lejepa (lejepa/univariate/epps_pulley.py).
#pragma once
#include <stddef.h>

/// Columns first..<last of a sample [rows, columns], each a sample of its own:
///
///     statistic = rows * sum over k of w_k ((C_k - exp(-t_k^2 / 2))^2 + S_k^2)
///
/// with C_k and S_k the means over the rows of cos(t_k x) and sin(t_k x), t_k = k limit / (knots - 1), and w_k the weights
/// of the trapezoidal rule times 2 exp(-t_k^2 / 2), which makes an integral over -limit...limit of it. `gradient`, of the
/// sample's shape, is that of weight * statistic. In double precision: near a normal sample the differences are small.
/// 2 to 64 knots, at least one row.
void hl_epps_pulley(const float *sample, size_t rows, size_t columns, size_t first, size_t last, double limit,
                    size_t knots, double weight, float *statistics, float *gradient);
