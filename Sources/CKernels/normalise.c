#include "hl_normalise.h"

#include <math.h>

#include "row_dot.h"

void hl_normalise_rows(const float *x, float *y, float *norms, size_t first, size_t last, size_t columns) {
    for (size_t r = first; r < last; r++) {
        const float *row = x + r * columns;
        double norm = sqrt(row_dot(row, row, columns));
        norms[r] = (float)norm;
        const float scale = (float)(1.0 / (norm > 1e-12 ? norm : 1e-12));
        for (size_t c = 0; c < columns; c++) y[r * columns + c] = row[c] * scale;
    }
}

void hl_normalise_rows_backward(const float *y, const float *norms, const float *gradient, float *input_gradient,
                                size_t first, size_t last, size_t columns) {
    for (size_t r = first; r < last; r++) {
        const float *g = gradient + r * columns, *u = y + r * columns;
        const float along = norms[r] > 1e-12f ? (float)row_dot(u, g, columns) : 0.0f;
        const float scale = 1.0f / (norms[r] > 1e-12f ? norms[r] : 1e-12f);
        for (size_t c = 0; c < columns; c++) input_gradient[r * columns + c] = (g[c] - along * u[c]) * scale;
    }
}
