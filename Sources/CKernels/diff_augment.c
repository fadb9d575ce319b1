#include "hl_diff_augment.h"

#include <stddef.h>
#include <string.h>

#include "clones.h"

enum { COLOURS = 3 };

HL_INLINE int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }
HL_INLINE int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

// One row, mirrored or not, from 0 to 1 (or 255) to -1 to 1.
HL_INLINE void row_from(const float *f, const uint8_t *u, int side, bool flip, float *out) {
    for (int x = 0; x < side; x++) {
        const int at = flip ? side - 1 - x : x;
        out[x] = u ? (float)u[at] * (2.0f / 255) - 1 : f[at] * 2 - 1;
    }
}

// The sum of a plane, row by row.
HL_INLINE double plane_sum(const float *plane, int side) {
    double total = 0;
    for (int y = 0; y < side; y++) {
        float sum = 0;
        for (int x = 0; x < side; x++) sum += plane[y * side + x];
        total += sum;
    }
    return total;
}

// Values v of three planes become colour * v + grey * (mean over colours) + offset.
HL_INLINE void mix(float *image, size_t area, float colour, float grey, float offset) {
    float *r = image, *g = image + area, *b = image + 2 * area;
    for (size_t i = 0; i < area; i++) {
        const float shared = (r[i] + g[i] + b[i]) * (grey / COLOURS) + offset;
        r[i] = colour * r[i] + shared;
        g[i] = colour * g[i] + shared;
        b[i] = colour * b[i] + shared;
    }
}

// Saturation s, contrast c and brightness: mean + c (grey + s (v - grey) - mean) + brightness. Neither of the first two
// changes the mean. The same without brightness is its own adjoint.
static void recolour(float *image, int side, float brightness, float saturation, float contrast) {
    if (brightness == 0 && saturation == 1 && contrast == 1) return;
    const size_t area = (size_t)side * (size_t)side;
    double mean = 0;
    for (int c = 0; c < COLOURS; c++) mean += plane_sum(image + (size_t)c * area, side);
    mean /= (double)(COLOURS * area);
    mix(image, area, contrast * saturation, contrast * (1 - saturation), (1 - contrast) * (float)mean + brightness);
}

// Moves a plane where it is; what comes from beyond the edges is 0.
static void move(float *plane, int side, int32_t down, int32_t right) {
    const int32_t first = larger(right, 0), last = smaller(side + right, side);
    const size_t kept = last > first ? (size_t)(last - first) : 0;
    for (int32_t i = 0; i < side; i++) {
        // Rows in the order in which none is overwritten before it has moved.
        const int32_t y = down > 0 ? side - 1 - i : i, source = y - down;
        float *row = plane + y * side;
        if (source < 0 || source >= side || kept == 0) {
            memset(row, 0, (size_t)side * sizeof(float));
            continue;
        }
        memmove(row + first, plane + source * side + first - right, kept * sizeof(float));
        memset(row, 0, (size_t)first * sizeof(float));
        memset(row + last, 0, (size_t)(side - last) * sizeof(float));
    }
}

static void cut(float *plane, int side, const hl_diff_augment_parameters *p) {
    if (p->last_column <= p->first_column) return;
    for (int32_t y = p->first_row; y < p->last_row; y++)
        memset(plane + y * side + p->first_column, 0, (size_t)(p->last_column - p->first_column) * sizeof(float));
}

HL_CLONES void hl_diff_augment(const void *images, int is_u8, int side, int first, int last,
                               const hl_diff_augment_parameters *p, float *out) {
    const size_t area = (size_t)side * (size_t)side;
    for (int image = first; image < last; image++) {
        const size_t start = (size_t)image * COLOURS * area;
        float *target = out + start;
        for (size_t row = 0; row < COLOURS * (size_t)side; row++) {
            const size_t at = start + row * (size_t)side;
            if (is_u8)
                row_from(NULL, (const uint8_t *)images + at, side, p[image].flip, target + row * (size_t)side);
            else
                row_from((const float *)images + at, NULL, side, p[image].flip, target + row * (size_t)side);
        }
        recolour(target, side, p[image].brightness, p[image].saturation, p[image].contrast);
        for (int c = 0; c < COLOURS; c++) {
            float *plane = target + (size_t)c * area;
            if (p[image].down != 0 || p[image].right != 0) move(plane, side, p[image].down, p[image].right);
            cut(plane, side, &p[image]);
        }
    }
}

HL_CLONES void hl_diff_augment_backward(const float *gradient, int side, int first, int last,
                                        const hl_diff_augment_parameters *p, float *out) {
    const size_t area = (size_t)side * (size_t)side;
    for (int image = first; image < last; image++) {
        const size_t start = (size_t)image * COLOURS * area;
        float *target = out + start;
        memcpy(target, gradient + start, COLOURS * area * sizeof(float));
        for (int c = 0; c < COLOURS; c++) {
            float *plane = target + (size_t)c * area;
            cut(plane, side, &p[image]);
            if (p[image].down != 0 || p[image].right != 0) move(plane, side, -p[image].down, -p[image].right);
        }
        recolour(target, side, 0, p[image].saturation, p[image].contrast);
        for (size_t row = 0; row < COLOURS * (size_t)side; row++) {
            float *values = target + row * (size_t)side;
            for (int x = 0; x < side; x++) values[x] *= 2;
            for (int x = 0; p[image].flip && x < side / 2; x++) {
                const float left = values[x];
                values[x] = values[side - 1 - x];
                values[side - 1 - x] = left;
            }
        }
    }
}
