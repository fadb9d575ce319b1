#include "hl_losses.h"

#include <math.h>
#include <string.h>

#include "row_dot.h"

void hl_cross_entropy_rows(const float *logits, const int32_t *targets, const int32_t *skip, float scale, float weight,
                           float *losses, float *gradient, size_t first, size_t last, size_t columns) {
    for (size_t r = first; r < last; r++) {
        const float *row = logits + r * columns;
        float *out = gradient + r * columns;
        const size_t left_out = skip ? (size_t)skip[r] : columns;
        if (targets[r] < 0) {
            losses[r] = 0;
            memset(out, 0, columns * sizeof(float));
            continue;
        }
        double top = -INFINITY, sum = 0;
        for (size_t c = 0; c < columns; c++)
            if (c != left_out && (double)row[c] * scale > top) top = (double)row[c] * scale;
        for (size_t c = 0; c < columns; c++) {
            const double e = c == left_out ? 0 : exp((double)row[c] * scale - top);
            sum += e;
            out[c] = (float)e;
        }
        const size_t target = (size_t)targets[r];
        losses[r] = (float)(log(sum) + top - (double)row[target] * scale);
        const float factor = (float)(weight * scale / sum);
        for (size_t c = 0; c < columns; c++) out[c] *= factor;
        out[target] -= weight * scale;
    }
}

void hl_negative_cosine_rows(const float *p, const float *z, float weight, float *losses, float *gradient, size_t first,
                             size_t last, size_t columns) {
    for (size_t r = first; r < last; r++) {
        const float *a = p + r * columns, *b = z + r * columns;
        // The product of the norms is bounded below as torch.nn.CosineSimilarity does.
        double pp = row_dot(a, a, columns), zz = row_dot(b, b, columns), pz = row_dot(a, b, columns);
        double norm = sqrt(pp) * sqrt(zz);
        if (norm < 1e-8) norm = 1e-8;
        const double cosine = pz / norm;
        losses[r] = (float)-cosine;
        const float on_z = (float)(-weight / norm), on_p = pp > 0 ? (float)(weight * cosine / pp) : 0.0f;
        for (size_t c = 0; c < columns; c++) gradient[r * columns + c] = on_z * b[c] + on_p * a[c];
    }
}
