#include "blur.h"

#include <math.h>
#include <stddef.h>

#include "clones.h"

HL_CLONES static void scale_row(const float *restrict in, float w, int n, float *restrict out) {
    for (int x = 0; x < n; x++) out[x] = w * in[x];
}

HL_CLONES static void add_row(const float *restrict in, float w, int n, float *restrict out) {
    for (int x = 0; x < n; x++) out[x] += w * in[x];
}

static inline int reflect(int i, int n) { return i < 0 ? -i : i >= n ? 2 * n - 2 - i : i; }

void hl_gaussian_kernel(int radius, float sigma, float *kernel) {
    double total = 0;
    for (int k = -radius; k <= radius; k++) total += exp(-0.5 * (k / (double)sigma) * (k / (double)sigma));
    for (int k = -radius; k <= radius; k++)
        kernel[k + radius] = (float)(exp(-0.5 * (k / (double)sigma) * (k / (double)sigma)) / total);
}

void hl_blur_plane(const float *in, int height, int width, int radius, const float *kernel, float *padded, float *out) {
    for (int y = 0; y < height; y++) {
        float *row = padded + radius;
        for (int k = 0; k <= 2 * radius; k++) {
            const float *source = in + (ptrdiff_t)reflect(y + k - radius, height) * width;
            (k == 0 ? scale_row : add_row)(source, kernel[k], width, row);
        }
        for (int k = 1; k <= radius; k++) {
            row[-k] = row[k];
            row[width - 1 + k] = row[width - 1 - k];
        }
        float *target = out + (ptrdiff_t)y * width;
        scale_row(padded, kernel[0], width, target);
        for (int k = 1; k <= 2 * radius; k++) add_row(padded + k, kernel[k], width, target);
    }
}
