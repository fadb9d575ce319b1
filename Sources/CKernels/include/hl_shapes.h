#ifndef HL_SHAPES_H
#define HL_SHAPES_H

/// The built-in generator `shapes`: one of ten silhouettes in front of a patterned background, differentiable in z.
///
/// z is [count][6][20]. Every chunk goes through 18 fixed orthonormal directions of R^20 (no entry of which is zero);
/// anchors are standard normal, truncated or not. What a chunk decides:
///   0  the class: ten scores <a_k, z_0> with orthonormal a_k; the largest is the label
///   1  pose: translation, rotation, scale
///   2  shape detail: corner roundness, wavy outline, inner stroke, stretch
///   3  background: base colours, gradient, stripes, checks and blobs
///   4  palette: fill (always brighter than the ground), stroke, texture colour, hue and contrast of everything
///   5  texture and light: fill texture, light, shadow, vignette
///
/// Defects. Direction 17 of chunks 5, 1 and 2 scores noise, blur and broken outline. The largest of the three scores,
/// if above a fixed threshold, makes the sample defective: about 20 % of anchors truncated at 2 sigma. How strong the
/// defect is (never weak) and where its gaps or grains lie are smooth in z.
///
/// Images are [count][3][size][size], RGB in 0…1, 16 <= size <= 512; the scene does not depend on size. Results are the
/// same to the bit for every instruction set. All functions are thread-safe and allocate nothing.

enum {
    HL_SHAPES_CHUNKS = 6,
    HL_SHAPES_CHUNK_SIZE = 20,
    HL_SHAPES_CLASSES = 10,
    HL_SHAPES_MIN_SIZE = 16,
    HL_SHAPES_MAX_SIZE = 512,
};

enum { HL_SHAPES_SOUND, HL_SHAPES_NOISE, HL_SHAPES_BLUR, HL_SHAPES_BROKEN };

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
