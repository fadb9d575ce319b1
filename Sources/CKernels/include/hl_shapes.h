#ifndef HL_SHAPES_H
#define HL_SHAPES_H

#include "hl_shapes_model.h"

/// The built-in generator `shapes`: hl_shapes_model.h has what it draws.
///
/// z is [count][6][20]. Images are [count][3][size][size], RGB in 0…1, 16 <= size <= 512. Results are the same to the
/// bit for every instruction set. All functions are thread-safe and allocate nothing.

typedef struct {
    int label;       ///< 0…9: disc, square, triangle, star, cross, ring, crescent, heart, corner, bar
    int defect;      ///< HL_SHAPES_SOUND, _NOISE, _BLUR or _BROKEN
    float boundary;  ///< Euclidean distance in chunk 0 to the nearest class boundary, in units of z
} hl_shapes_truth;

/// The oracle: what is true of each z.
void hl_shapes_truth_of(const float *z, int count, hl_shapes_truth *truth);

/// Label and boundary alone, which are in chunk 0: some ten times as fast.
void hl_shapes_class_of(const float *z, int count, int *labels, float *boundaries);

/// Renders `count` images. `clean` != 0 leaves the defects out.
void hl_shapes_render(const float *z, float *images, int count, int size, int clean);

/// dL/dz from dL/dimages, both in the layouts above; written, not accumulated. Goes through everything except the
/// decision whether a sample is defective.
void hl_shapes_gradient(const float *z, const float *image_gradient, float *z_gradient, int count, int size, int clean);

#endif
