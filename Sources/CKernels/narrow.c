#include "hl_narrow.h"

#include "clones.h"
#include "values.h"

HL_CLONES void hl_narrow(const float *x, uint16_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = narrowed(x[i]);
}

HL_CLONES void hl_widen_values(const uint16_t *x, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = widened(x[i]);
}

// `out` may be one of the operands in all of these. A piece is computed in a local array, so that what is read cannot be
// what has just been written.
enum { PIECE = 32 };

HL_INLINE void add_piece(const uint16_t *a, const uint16_t *b, uint16_t *out, size_t n) {
    uint16_t sums[PIECE];
    for (size_t i = 0; i < n; i++) sums[i] = narrowed(widened(a[i]) + widened(b[i]));
    memcpy(out, sums, n * sizeof *sums);
}

HL_CLONES void hl_add_narrow(const uint16_t *a, const uint16_t *b, uint16_t *out, size_t n) {
    size_t i = 0;
    for (; i + PIECE <= n; i += PIECE) add_piece(a + i, b + i, out + i, PIECE);
    add_piece(a + i, b + i, out + i, n - i);
}

HL_INLINE void scale_piece(float alpha, const uint16_t *x, uint16_t *out, size_t n) {
    uint16_t products[PIECE];
    for (size_t i = 0; i < n; i++) products[i] = narrowed(alpha * widened(x[i]));
    memcpy(out, products, n * sizeof *products);
}

HL_CLONES void hl_scale_narrow(float alpha, const uint16_t *x, uint16_t *out, size_t n) {
    size_t i = 0;
    for (; i + PIECE <= n; i += PIECE) scale_piece(alpha, x + i, out + i, PIECE);
    scale_piece(alpha, x + i, out + i, n - i);
}

HL_CLONES void hl_relu_narrow(const uint16_t *x, uint16_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = widened(x[i]) <= 0.0f ? 0 : x[i];  // NaN stays
}

HL_CLONES void hl_relu_backward_narrow(const uint16_t *y, const uint16_t *gradient, uint16_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint16_t g = gradient[i];
        out[i] = widened(y[i]) > 0.0f ? g : 0;
    }
}
