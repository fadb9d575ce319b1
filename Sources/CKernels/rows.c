#include "hl_rows.h"

#include <math.h>
#include <string.h>

#include "clones.h"

HL_CLONES void hl_add_row_vector(float *matrix, const float *vector, size_t first, size_t last, size_t columns) {
    for (size_t r = first; r < last; r++)
        for (size_t c = 0; c < columns; c++) matrix[r * columns + c] += vector[c];
}

void hl_column_sums(const float *matrix, size_t rows, size_t columns, size_t first, size_t last, float *sums) {
    enum { WIDTH = 64 };
    for (size_t start = first; start < last; start += WIDTH) {
        const size_t width = last - start < WIDTH ? last - start : WIDTH;
        double total[WIDTH] = {0};
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < width; c++) total[c] += matrix[r * columns + start + c];
        for (size_t c = 0; c < width; c++) sums[start + c] = (float)total[c];
    }
}

// Dot products run in double: rows are short and their losses must not depend on the instruction set.
static double dot(const float *a, const float *b, size_t n) {
    double s[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t j = 0; j < 8; j++) s[j] += (double)a[i + j] * b[i + j];
    for (; i < n; i++) s[0] += (double)a[i] * b[i];
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

void hl_normalise_rows(const float *x, float *y, float *norms, size_t first, size_t last, size_t columns) {
    for (size_t r = first; r < last; r++) {
        const float *row = x + r * columns;
        double norm = sqrt(dot(row, row, columns));
        norms[r] = (float)norm;
        const float scale = (float)(1.0 / (norm > 1e-12 ? norm : 1e-12));
        for (size_t c = 0; c < columns; c++) y[r * columns + c] = row[c] * scale;
    }
}

void hl_normalise_rows_backward(const float *y, const float *norms, const float *gradient, float *input_gradient,
                                size_t first, size_t last, size_t columns) {
    for (size_t r = first; r < last; r++) {
        const float *g = gradient + r * columns, *u = y + r * columns;
        const float along = norms[r] > 1e-12f ? (float)dot(u, g, columns) : 0.0f;
        const float scale = 1.0f / (norms[r] > 1e-12f ? norms[r] : 1e-12f);
        for (size_t c = 0; c < columns; c++) input_gradient[r * columns + c] = (g[c] - along * u[c]) * scale;
    }
}

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
        double pp = dot(a, a, columns), zz = dot(b, b, columns), pz = dot(a, b, columns);
        double norm = sqrt(pp) * sqrt(zz);
        if (norm < 1e-8) norm = 1e-8;
        const double cosine = pz / norm;
        losses[r] = (float)-cosine;
        const float on_z = (float)(-weight / norm), on_p = pp > 0 ? (float)(weight * cosine / pp) : 0.0f;
        for (size_t c = 0; c < columns; c++) gradient[r * columns + c] = on_z * b[c] + on_p * a[c];
    }
}

void hl_im2col(const float *image, float *columns, size_t channels, size_t height, size_t width, size_t kernel,
               size_t stride, size_t padding) {
    const size_t out_height = (height + 2 * padding - kernel) / stride + 1;
    const size_t out_width = (width + 2 * padding - kernel) / stride + 1;
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < kernel; i++)
            for (size_t k = 0; k < kernel; k++)
                for (size_t row = 0; row < out_height; row++) {
                    const size_t r = row * stride + i - padding;  // wraps past the top: too large, then
                    for (size_t column = 0; column < out_width; column++) {
                        const size_t at = column * stride + k - padding;
                        *columns++ = r < height && at < width ? image[(c * height + r) * width + at] : 0.0f;
                    }
                }
}

void hl_col2im(const float *columns, float *image, size_t channels, size_t height, size_t width, size_t kernel,
               size_t stride, size_t padding) {
    const size_t out_height = (height + 2 * padding - kernel) / stride + 1;
    const size_t out_width = (width + 2 * padding - kernel) / stride + 1;
    memset(image, 0, channels * height * width * sizeof(float));
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < kernel; i++)
            for (size_t k = 0; k < kernel; k++)
                for (size_t row = 0; row < out_height; row++) {
                    const size_t r = row * stride + i - padding;
                    for (size_t column = 0; column < out_width; column++, columns++) {
                        const size_t at = column * stride + k - padding;
                        if (r < height && at < width) image[(c * height + r) * width + at] += *columns;
                    }
                }
}

enum { PHASES = 4 };

// All phases of a kernel side by side, in `lanes` sums.
HL_INLINE void combine(const float *source, float *target, size_t count, const float *matrix, size_t taps, size_t lanes) {
    for (size_t n = 0; n < count; n++) {
        float sums[48] = {0};
        for (size_t a = 0; a < 9; a++)
            for (size_t l = 0; l < lanes; l++) sums[l] += matrix[a * lanes + l] * source[n * 9 + a];
        for (size_t p = 0; p < PHASES; p++) memcpy(target + (p * count + n) * taps, sums + p * taps, taps * sizeof(float));
    }
}

HL_CLONES void hl_combine_kernels(const float *source, float *target, size_t count, const float *matrix, size_t taps) {
    if (taps == 4) {
        combine(source, target, count, matrix, 4, 16);
    } else {
        combine(source, target, count, matrix, 9, 48);
    }
}

HL_CLONES double hl_dot(const float *a, const float *b, size_t n) {
    enum { LANES = 16, STRETCH = 4096 };
    double total = 0;
    for (size_t start = 0; start < n; start += STRETCH) {
        const size_t end = n - start < STRETCH ? n : start + STRETCH;
        float sums[LANES] = {0};
        size_t i = start;
        for (; i + LANES <= end; i += LANES)
            for (size_t j = 0; j < LANES; j++) sums[j] += a[i + j] * b[i + j];
        for (; i < end; i++) sums[0] += a[i] * b[i];
        for (size_t j = 0; j < LANES; j++) total += sums[j];
    }
    return total;
}
