#include "hl_epps_pulley.h"

#include <math.h>

#include "clones.h"

// Columns that go together: their sums stay in the first-level cache.
enum { TILE = 8, KNOTS = 64 };

/// cos and sin of step * x for a row of a tile; columns that are not there are 0.
HL_INLINE void first_angles(const float *row, size_t width, double step, double *cosines, double *sines) {
    for (size_t j = 0; j < TILE; j++) {
        const double angle = j < width ? step * (double)row[j] : 0;
        cosines[j] = cos(angle);
        sines[j] = sin(angle);
    }
}

/// From the angle of a knot to that of the next, which is one first angle further on.
HL_INLINE void turn(const double *cosines, const double *sines, double *c, double *s) {
    for (size_t j = 0; j < TILE; j++) {
        const double next = c[j] * cosines[j] - s[j] * sines[j];
        s[j] = s[j] * cosines[j] + c[j] * sines[j];
        c[j] = next;
    }
}

HL_CLONES void hl_epps_pulley(const float *sample, size_t rows, size_t columns, size_t first, size_t last, double limit,
                              size_t knots, double weight, float *statistics, float *gradient) {
    const double step = limit / (double)(knots - 1);
    for (size_t start = first; start < last; start += TILE) {
        const size_t width = last - start < TILE ? last - start : TILE;
        double on_cosine[KNOTS][TILE] HL_ALIGNED = {{0}}, on_sine[KNOTS][TILE] HL_ALIGNED = {{0}};
        double cosines[TILE] HL_ALIGNED, sines[TILE] HL_ALIGNED, c[TILE] HL_ALIGNED, s[TILE] HL_ALIGNED;
        for (size_t r = 0; r < rows; r++) {
            first_angles(sample + r * columns + start, width, step, cosines, sines);
            for (size_t j = 0; j < TILE; j++) c[j] = 1, s[j] = 0;
            for (size_t k = 0; k < knots; k++) {
                for (size_t j = 0; j < TILE; j++) on_cosine[k][j] += c[j], on_sine[k][j] += s[j];
                turn(cosines, sines, c, s);
            }
        }
        // From the sums to what the gradient has to be multiplied by: d statistic / dx = sum over k of
        // 2 w_k t_k (S_k cos(t_k x) - (C_k - target) sin(t_k x)).
        double total[TILE] = {0};
        for (size_t k = 0; k < knots; k++) {
            const double t = (double)k * step, target = exp(-t * t / 2);
            const double w = (k == 0 || k == knots - 1 ? 1 : 2) * step * target;
            for (size_t j = 0; j < TILE; j++) {
                const double real = on_cosine[k][j] / (double)rows - target, imaginary = on_sine[k][j] / (double)rows;
                total[j] += w * (real * real + imaginary * imaginary);
                on_cosine[k][j] = 2 * weight * w * t * imaginary;
                on_sine[k][j] = -2 * weight * w * t * real;
            }
        }
        for (size_t j = 0; j < width; j++) statistics[start + j] = (float)((double)rows * total[j]);
        for (size_t r = 0; r < rows; r++) {
            first_angles(sample + r * columns + start, width, step, cosines, sines);
            double slope[TILE] HL_ALIGNED = {0};
            for (size_t j = 0; j < TILE; j++) c[j] = 1, s[j] = 0;
            for (size_t k = 0; k < knots; k++) {
                for (size_t j = 0; j < TILE; j++) slope[j] += on_cosine[k][j] * c[j] + on_sine[k][j] * s[j];
                turn(cosines, sines, c, s);
            }
            for (size_t j = 0; j < width; j++) gradient[r * columns + start + j] = (float)slope[j];
        }
    }
}
