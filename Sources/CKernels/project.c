#include "hl_project.h"

#include "clones.h"

// A product of matrices in which every sum runs over its terms in order, alone in its lane. How rows share a block, how
// many there are and how wide the machine's vectors are then shows in no bit. BLAS libraries promise less: OpenBLAS's
// Haswell kernels round rows in different places of a block differently.

enum { LANES = HL_PROJECT_LANES, ROWS = 6 };

typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));

/// LANES rows of the weight, the ones beyond its end zero, with their values of one column side by side.
HL_INLINE void pack(const float *weight, size_t outputs, size_t inputs, size_t first, float *packed) {
    for (size_t lane = 0; lane < LANES; lane++) {
        const size_t row = first + lane;
        for (size_t k = 0; k < inputs; k++) packed[k * LANES + lane] = row < outputs ? weight[row * inputs + k] : 0;
    }
}

HL_INLINE void project_block(const float *x, size_t inputs, const float *packed, float *y, size_t outputs, size_t width,
                             size_t rows) {
    lanes sums[ROWS] = {{0}};
    for (size_t k = 0; k < inputs; k++) {
        const lanes w = *(const lanes *)(packed + k * LANES);
        for (size_t r = 0; r < rows; r++) sums[r] += x[r * inputs + k] * w;
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t lane = 0; lane < width; lane++) y[r * outputs + lane] = sums[r][lane];
}

HL_CLONES void hl_project_rows(const float *x, size_t rows, size_t inputs, const float *weight, size_t outputs,
                               size_t first, size_t last, float *packed, float *y) {
    for (size_t start = first * LANES; start < outputs && start < last * LANES; start += LANES) {
        const size_t width = outputs - start < LANES ? outputs - start : LANES;
        pack(weight, outputs, inputs, start, packed);
        size_t row = 0;
        for (; row + ROWS <= rows; row += ROWS)
            project_block(x + row * inputs, inputs, packed, y + row * outputs + start, outputs, width, ROWS);
        for (; row < rows; row++)
            project_block(x + row * inputs, inputs, packed, y + row * outputs + start, outputs, width, 1);
    }
}
