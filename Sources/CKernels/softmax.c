#include "hl_softmax.h"

#include "clones.h"
#include "exponential.h"

enum { LANES = 16 };

HL_INLINE float total(const float *lanes) {
    float sum = 0;
    for (size_t j = 0; j < LANES; j++) sum += lanes[j];
    return sum;
}

HL_CLONES void hl_softmax_rows(float *matrix, size_t first, size_t last, size_t columns) {
    for (size_t r = first; r < last; r++) {
        float *row = matrix + r * columns;
        const size_t whole = columns / LANES * LANES;
        float highest[LANES], sums[LANES] = {0};
        for (size_t j = 0; j < LANES; j++) highest[j] = row[0];
        for (size_t i = 0; i < whole; i += LANES)
            for (size_t j = 0; j < LANES; j++) highest[j] = row[i + j] > highest[j] ? row[i + j] : highest[j];
        float top = highest[0];
        for (size_t j = 1; j < LANES; j++) top = highest[j] > top ? highest[j] : top;
        for (size_t i = whole; i < columns; i++) top = row[i] > top ? row[i] : top;
        for (size_t i = 0; i < whole; i += LANES)
            for (size_t j = 0; j < LANES; j++) {
                row[i + j] = hl_exp(row[i + j] - top);
                sums[j] += row[i + j];
            }
        for (size_t i = whole; i < columns; i++) {
            row[i] = hl_exp(row[i] - top);
            sums[0] += row[i];
        }
        const float scale = 1 / total(sums);
        for (size_t i = 0; i < columns; i++) row[i] *= scale;
    }
}

HL_CLONES void hl_softmax_rows_backward(const float *softmax, float *gradient, size_t first, size_t last,
                                        size_t columns) {
    for (size_t r = first; r < last; r++) {
        const float *s = softmax + r * columns;
        float *g = gradient + r * columns;
        const size_t whole = columns / LANES * LANES;
        float sums[LANES] = {0};
        for (size_t i = 0; i < whole; i += LANES)
            for (size_t j = 0; j < LANES; j++) sums[j] += s[i + j] * g[i + j];
        for (size_t i = whole; i < columns; i++) sums[0] += s[i] * g[i];
        const float along = total(sums);
        for (size_t i = 0; i < columns; i++) g[i] = s[i] * (g[i] - along);
    }
}
