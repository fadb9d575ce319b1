#include "hl_widen.h"

enum { NARROW = 3, WIDE = 4 };

// Where the wide kernel of a pair of channels begins.
static size_t place(size_t output, size_t input, size_t outputs, size_t inputs, int upsampling) {
    return (upsampling ? input * outputs + output : output * inputs + input) * WIDE * WIDE;
}

void hl_widen(const float *weight, float *wide, size_t first, size_t last, size_t outputs, size_t inputs,
              int upsampling, float scale) {
    for (size_t output = first; output < last; output++)
        for (size_t input = 0; input < inputs; input++) {
            const float *w = weight + (output * inputs + input) * NARROW * NARROW;
            float *target = wide + place(output, input, outputs, inputs, upsampling), rows[WIDE][NARROW];
            for (size_t b = 0; b < NARROW; b++) {
                rows[0][b] = scale * w[b];
                rows[1][b] = scale * (w[b] + w[NARROW + b]);
                rows[2][b] = scale * (w[NARROW + b] + w[2 * NARROW + b]);
                rows[3][b] = scale * w[2 * NARROW + b];
            }
            for (size_t p = 0; p < WIDE; p++) {
                const float *r = rows[upsampling ? WIDE - 1 - p : p];
                const float sums[WIDE] = {r[0], r[0] + r[1], r[1] + r[2], r[2]};
                for (size_t q = 0; q < WIDE; q++) target[p * WIDE + q] = sums[upsampling ? WIDE - 1 - q : q];
            }
        }
}

void hl_widen_backward(const float *wide, float *weight, size_t first, size_t last, size_t outputs, size_t inputs,
                       int upsampling, float scale) {
    for (size_t output = first; output < last; output++)
        for (size_t input = 0; input < inputs; input++) {
            const float *g = wide + place(output, input, outputs, inputs, upsampling);
            float *target = weight + (output * inputs + input) * NARROW * NARROW, rows[WIDE][NARROW];
            for (size_t p = 0; p < WIDE; p++) {
                const float *line = g + WIDE * (upsampling ? WIDE - 1 - p : p);
                for (size_t b = 0; b < NARROW; b++)
                    rows[p][b] = upsampling ? line[WIDE - 1 - b] + line[WIDE - 2 - b] : line[b] + line[b + 1];
            }
            for (size_t a = 0; a < NARROW; a++)
                for (size_t b = 0; b < NARROW; b++) target[a * NARROW + b] = scale * (rows[a][b] + rows[a + 1][b]);
        }
}
