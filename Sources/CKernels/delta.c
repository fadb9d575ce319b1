#include "hl_delta.h"

#include <math.h>

#include "clones.h"

// Partial sums of one row: a fixed number, so that every instruction set adds in the same order.
enum { LANES = 8 };

HL_CLONES void hl_row_distances(const float *first, const float *second, size_t rows, size_t dimension, double *out) {
    size_t whole = dimension / LANES * LANES;
    for (size_t row = 0; row < rows; row++) {
        const float *restrict a = first + row * dimension, *restrict b = second + row * dimension;
        double sums[LANES] = {0};
        size_t i = 0;
        for (; i < whole; i += LANES) {
            for (size_t lane = 0; lane < LANES; lane++) {
                double difference = (double)a[i + lane] - (double)b[i + lane];
                sums[lane] += difference * difference;
            }
        }
        if (i + 4 <= dimension) {
            for (size_t lane = 0; lane < 4; lane++) {
                double difference = (double)a[i + lane] - (double)b[i + lane];
                sums[lane] += difference * difference;
            }
            i += 4;
        }
        for (size_t lane = 0; i < dimension; i++, lane++) {
            double difference = (double)a[i] - (double)b[i];
            sums[lane] += difference * difference;
        }
        for (size_t lane = 0; lane < 4; lane++) sums[lane] += sums[lane + 4];
        out[row] = (sums[0] + sums[2]) + (sums[1] + sums[3]);
    }
    for (size_t row = 0; row < rows; row++) out[row] = sqrt(out[row]);
}
