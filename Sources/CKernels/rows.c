#include "hl_rows.h"

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
